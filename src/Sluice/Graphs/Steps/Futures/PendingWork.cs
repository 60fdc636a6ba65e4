namespace Sluice.Graphs;

/// <summary>Finds tasks and futures where values are meant: nobody would await them.</summary>
internal static class PendingWork
{
    /// <summary>Whether a value of this type is a task or a future.</summary>
    public static bool Is(Type type)
        => type.IsAssignableTo(typeof(Task)) || type.IsAssignableTo(typeof(Future)) || type == typeof(ValueTask)
        || (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ValueTask<>));

    /// <summary>Whether an object is a task or a future.</summary>
    public static bool Is<T>(T value) => typeof(T) == typeof(object) && value is not null
        && (value is Task or Future || (value is ValueType && Is(value.GetType())));
}
