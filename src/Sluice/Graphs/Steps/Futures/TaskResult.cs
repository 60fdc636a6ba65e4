namespace Sluice.Graphs;

/// <summary>Converts objects that turn out to be tasks at run time, where a step takes <see cref="object"/>.</summary>
internal static class TaskResult
{
    private const string Kept = "What is looked for is kept by the dynamic dependency.";

    /// <summary>
    /// Converts a future, task or value task to a future; null for any other value. A task without a result has <see cref="Unit"/>.
    /// </summary>
    public static Future? AsFuture(object? value) => value switch
    {
        Future future => future,
        Task task => Of(task),
        ValueTask task => Of(task.AsTask()),
        ValueType when IsOf(value.GetType(), typeof(ValueTask<>)) => Of(AsTask(value)),
        _ => null,
    };

    private static TaskFuture<object> Of(Task task) => new(WaitAsync(task), of: task);

    /// <summary>Awaits the task, and fails with its own exception.</summary>
    private static async Task<object> WaitAsync(Task task)
    {
        await task.ConfigureAwait(false);
        return ResultOf(task)!;
    }

    [DynamicDependency(nameof(Task<>.Result), typeof(Task<>))]
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = Kept)]
    private static object? ResultOf(Task task)
    {
        Type? type = task.GetType();
        while (type is not null && !IsOf(type, typeof(Task<>))) type = type.BaseType;
        // The runtime's tasks without a result have a result of a non-public type.
        return type is null || !type.GenericTypeArguments[0].IsVisible && type.GenericTypeArguments[0].Name == "VoidTaskResult"
            ? default(Unit) : type.GetProperty(nameof(Task<>.Result))!.GetValue(task);
    }

    [DynamicDependency(nameof(ValueTask<>.AsTask), typeof(ValueTask<>))]
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = Kept)]
    private static Task AsTask(object task) => (Task)task.GetType().GetMethod(nameof(ValueTask<>.AsTask))!.Invoke(task, null)!;

    private static bool IsOf(Type type, Type definition) => type.IsGenericType && type.GetGenericTypeDefinition() == definition;
}
