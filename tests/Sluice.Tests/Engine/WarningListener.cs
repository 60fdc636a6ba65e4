using System.Collections.Concurrent;
using System.Diagnostics.Tracing;

namespace Sluice.Tests;

/// <summary>Collects the warnings of the process, including those of other tests.</summary>
internal sealed class WarningListener : EventListener
{
    private readonly ConcurrentQueue<string> texts = new();

    public IReadOnlyList<string> Texts => [.. texts];

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == "Sluice") EnableEvents(eventSource, EventLevel.Warning);
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData.Payload is [string text]) texts?.Enqueue(text);
    }
}
