using System.Reflection;

namespace Sluice.Flows;

/// <summary>Turns the return value of a processor's function into output.</summary>
[RequiresUnreferencedCode("Reads the result's type by reflection.")]
[RequiresDynamicCode("Makes methods for the result's type at run time.")]
internal static class ResultBinder
{
    public delegate Task PutOut(object? result, IInvocation invocation, CancellationToken cancellation);

    /// <param name="processor">The processor of the function.</param>
    /// <param name="type">The return type.</param>
    /// <param name="types">Receives the type of the output, if the return type has it.</param>
    public static PutOut Of(Processor processor, Type type, Dictionary<string, Type> types)
    {
        if (type == typeof(void)) return (_, _, _) => Task.CompletedTask;
        if (type == typeof(Task)) return (result, _, _) => (Task)result!;
        if (type == typeof(ValueTask)) return (result, _, _) => ((ValueTask)result!).AsTask();
        if (typeof(IAsyncEnumerable<IOVal>).IsAssignableFrom(type))
            return (result, invocation, cancellation) => BoundFunction.PutOutAsync((IAsyncEnumerable<IOVal>)result!, invocation,
                cancellation);
        if (typeof(IEnumerable<IOVal>).IsAssignableFrom(type))
            return (result, invocation, cancellation) => BoundFunction.PutOutAsync((IEnumerable<IOVal>)result!, invocation, cancellation);

        Type? generic = type.IsGenericType ? type.GetGenericTypeDefinition() : null;
        if (generic != typeof(Task<>) && generic != typeof(ValueTask<>))
            throw new ArgumentException(
                $"The function of the processor {processor.Name} returns {TypeNames.Of(type)}. It returns an IAsyncEnumerable<IOVal>, a "
                    + $"Task (and writes to IOWriter<T> parameters), or, with a single output, a Task<T>.");
        Type value = type.GetGenericArguments()[0];
        if (processor.Outputs.Count != 1)
            throw new ArgumentException(
                $"The function of the processor {processor.Name} returns {TypeNames.Of(type)}, which is the one value of a single output; "
                    + $"it has {(processor.Outputs.Count == 0 ? "none" : $"{processor.Outputs.Count} ({string.Join(", ", processor.Outputs)})")}. Return an IAsyncEnumerable<IOVal>, or a Task and write to IOWriter<T> parameters.");
        if (IsPutOut(value))
            throw new ArgumentException(
                $"The function of the processor {processor.Name} returns {TypeNames.Of(type)}. A Task<T> has the value of the output "
                    + $"itself, without its name: return that, or an IAsyncEnumerable<IOVal>.");
        types[processor.Outputs[0]] = value;
        string method = generic == typeof(Task<>) ? nameof(PutOutTaskAsync) : nameof(PutOutValueTaskAsync);
        return typeof(ResultBinder).GetMethod(method, BindingFlags.Static | BindingFlags.NonPublic)!.MakeGenericMethod(value)
            .CreateDelegate<PutOut>();
    }

    private static bool IsPutOut(Type type)
        => typeof(IOVal).IsAssignableFrom(type) || typeof(IAsyncEnumerable<IOVal>).IsAssignableFrom(type)
        || typeof(IEnumerable<IOVal>).IsAssignableFrom(type);

    private static async Task PutOutTaskAsync<T>(object? result, IInvocation invocation, CancellationToken cancellation)
        => await invocation.PutOutAsync(IOVal.Of(invocation.Plan.Outputs[0], await ((Task<T>)result!).ConfigureAwait(false)), cancellation)
        .ConfigureAwait(false);

    private static async Task PutOutValueTaskAsync<T>(object? result, IInvocation invocation, CancellationToken cancellation)
        => await invocation.PutOutAsync(IOVal.Of(invocation.Plan.Outputs[0], await ((ValueTask<T>)result!).ConfigureAwait(false)),
        cancellation).ConfigureAwait(false);
}
