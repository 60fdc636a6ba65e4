using System.Reflection;

namespace Sluice.Graphs;

/// <summary>Converts return values of functions to the tasks that nodes have.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal static class TaskAdapters
{
    public static async ValueTask<NamedValues> OpenAsync<T>(ValueTask<T> task, DataFlowFunction function, object owner)
        => Open(await task.ConfigureAwait(false), function, owner);

    /// <param name="result">What the function has returned.</param>
    /// <param name="function">The function.</param>
    /// <param name="owner">The owner of the error if it does not fit.</param>
    public static NamedValues Open(object? result, DataFlowFunction function, object owner)
        => NamedValues.Of(result, function.PlainName, function, owner);

    /// <summary>Converts any return value without static types, where code cannot be compiled.</summary>
    public static async ValueTask<object?> AnyAsync(object? returned, FlowReturn kind, DataFlowFunction? open, object owner)
    {
        object? result = null;
        switch (kind)
        {
            case FlowReturn.ValueTask:
                await ((ValueTask)returned!).ConfigureAwait(false);
                break;
            case FlowReturn.Task:
                await ((Task?)returned ?? throw new NullTaskException()).ConfigureAwait(false);
                break;
            default:
                var task = (Task)(returned as Task ?? (returned ?? throw new NullTaskException()).GetType()
                    .GetMethod(nameof(ValueTask<>.AsTask))!.Invoke(returned, null)!);
                await task.ConfigureAwait(false);
                result = task.GetType().GetProperty(nameof(Task<>.Result))!.GetValue(task);
                break;
        }
        return open is null ? result : Open(result, open, owner);
    }
}
