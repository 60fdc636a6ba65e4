namespace Sluice;

/// <summary>Makes sinks.</summary>
public static partial class Sink
{
    /// <summary>Makes a sink from a function that is called with every item.</summary>
    public static Sink<T> Of<T>(Action<T> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Sink<T>.Of(new ActionSink<T>(function));
    }

    /// <summary>Makes a sink from an asynchronous function that is called with every item, one at a time unless annotated.</summary>
    public static Sink<T> OfAsync<T>(Func<T, ItemContext, CancellationToken, ValueTask> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Sink<T>.Of(new AsyncActionSink<T>(function, function));
    }
}
