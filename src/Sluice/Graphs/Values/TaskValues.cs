namespace Sluice.Graphs;

/// <summary>Functions that return tasks, as functions that return values.</summary>
internal static class TaskValues
{
    /// <exception cref="NullTaskException">The function has returned null.</exception>
    public static ValueTask<T> Of<T>(Task<T>? task) => new(task ?? throw new NullTaskException());

    /// <exception cref="NullTaskException">The function has returned null.</exception>
    public static ValueTask<Unit> NothingAsync(Task? task)
        => (task ?? throw new NullTaskException()).IsCompletedSuccessfully ? default : AwaitAsync(task);

    public static ValueTask<Unit> NothingAsync(ValueTask task)
    {
        if (!task.IsCompletedSuccessfully) return AwaitAsync(task.AsTask());
        task.GetAwaiter().GetResult();
        return default;
    }

    /// <summary>What a function returns in the end: the result of its task, if it returns one; null for none.</summary>
    public static Type? ResultOf(Type returned)
        => returned == typeof(void) || returned == typeof(Task) || returned == typeof(ValueTask) ? null
            : returned.IsGenericType && (returned.GetGenericTypeDefinition() == typeof(Task<>)
            || returned.GetGenericTypeDefinition() == typeof(ValueTask<>)) ? returned.GenericTypeArguments[0]
            : returned;

    private static async ValueTask<Unit> AwaitAsync(Task task)
    {
        await task.ConfigureAwait(false);
        return default;
    }
}
