namespace Sluice.Flows;

/// <summary>Makes an argument of a function for one invocation.</summary>
internal delegate ValueTask<object?> FunctionArgument(DependencyScope scope);

/// <summary>One invocation of a function with bound parameters: its context, and the values that dependencies have provided.</summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class DependencyScope(ProcessorContext context, IInvocation invocation, CancellationToken cancellation)
{
    private readonly Dictionary<object, object?> provided = [];          // by dependency
    private readonly Stack<object> disposables = new();

    public ProcessorContext Context => context;

    public IInvocation Invocation => invocation;

    public CancellationToken Cancellation => cancellation;

    public bool TryFind(object dependency, [MaybeNullWhen(true)] out object? value) => provided.TryGetValue(dependency, out value);

    public void Add(object dependency, object? value)
    {
        provided.Add(dependency, value);
        if (value is IAsyncDisposable or IDisposable && !disposables.Contains(value)) disposables.Push(value);
    }

    public async ValueTask<object?[]> GetAllAsync(FunctionArgument[] arguments)
    {
        object?[] values = new object?[arguments.Length];
        for (int i = 0; i < values.Length; i++) values[i] = await arguments[i](this).ConfigureAwait(false);
        return values;
    }

    /// <summary>Runs the function, then disposes the provided values in reverse order, even if the function fails.</summary>
    /// <exception cref="AggregateException">More than one of the function and the disposals has failed.</exception>
    public async Task RunAsync(Func<DependencyScope, Task> function)
    {
        List<Exception> failures = [];
        try
        {
            await function(this).ConfigureAwait(false);
        }
        catch (Exception) when (disposables.Count == 0)
        {
            throw;
        }
        catch (Exception e)
        {
            failures.Add(e);
        }
        while (disposables.TryPop(out object? last))
        {
            try
            {
                if (last is IAsyncDisposable asynchronous) await asynchronous.DisposeAsync().ConfigureAwait(false);
                else ((IDisposable)last).Dispose();
            }
            catch (Exception e)
            {
                failures.Add(e);
            }
        }
        if (failures.Count == 1) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failures[0]);
        if (failures.Count > 1) throw new AggregateException(failures);
    }
}
