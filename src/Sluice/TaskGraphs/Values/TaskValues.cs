namespace Sluice;

/// <summary>Tasks where values are meant: what nobody would await.</summary>
internal static class TaskValues
{
    public static ValueTask<Nothing> NothingAsync(Task task) => task.IsCompletedSuccessfully ? default : AwaitAsync(task);

    public static ValueTask<Nothing> NothingAsync(ValueTask task)
    {
        if (!task.IsCompletedSuccessfully) return AwaitAsync(task.AsTask());
        task.GetAwaiter().GetResult();
        return default;
    }

    /// <summary>Whether a value of this type is work that somebody has to wait for.</summary>
    public static bool IsTask(Type type)
        => type.IsAssignableTo(typeof(Task)) || type == typeof(ValueTask) || (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ValueTask<>));

    private static async ValueTask<Nothing> AwaitAsync(Task task)
    {
        await task.ConfigureAwait(false);
        return default;
    }
}
