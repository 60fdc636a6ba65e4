using System.Diagnostics;

namespace Sluice.Flows;

/// <summary>A loop of a function over the values of streams, for telemetry.</summary>
/// <remarks>Not thread-safe: the calls of a loop follow each other. It has at most one value at a time.</remarks>
internal sealed class ValueLoop
{
    private readonly StartTelemetry start;
    private ReadValue value;
    private bool hasValue;

    public ValueLoop(StartTelemetry start)
    {
        this.start = start;
        start.NoteLoop();
    }

    /// <summary>The span of the present value; null if it has none.</summary>
    public Activity? Span => hasValue ? value.Trace?.Span : null;

    /// <summary>The function gets a value.</summary>
    /// <param name="stream">The name of its stream in the flow.</param>
    /// <param name="stored">The name of its stream in the store.</param>
    /// <param name="entry">The value.</param>
    /// <param name="paired">The headers of the value that it is paired with.</param>
    public void Begin(string stream, string stored, in Entry entry, ReadOnlyMemory<byte> paired = default)
    {
        value = start.Begin(stream, entry.IdIn(stored, 0), entry.Headers, paired);
        hasValue = true;
    }

    /// <summary>The function asks for the next value.</summary>
    public void End()
    {
        if (!hasValue) return;
        hasValue = false;
        start.End(value);
    }

    /// <summary>The loop is over.</summary>
    public void Leave()
    {
        if (!hasValue) return;
        hasValue = false;
        start.Leave(value);
    }

    /// <summary>The values of a loop. While the function works on a value, the span of the value is current.</summary>
    /// <param name="start">The telemetry of the start; null if the values are no input of a processor.</param>
    /// <param name="read">Reads the values; null stands for no telemetry.</param>
    public static IAsyncEnumerable<T> Sequence<T>(StartTelemetry? start, Func<ValueLoop?, IAsyncEnumerable<T>> read)
        => start is null ? read(null) : new TracedSequence<T>(start, read);
}
