using System.Collections.Concurrent;
using System.Diagnostics.Tracing;

namespace Sluice.Tests;

/// <summary>Collects the warnings of the process, including those of other tests.</summary>
internal sealed class WarningListener : EventListener
{
    private readonly ConcurrentQueue<string> texts = new(), own = new();
    private readonly AsyncLocal<bool> isOwn = new();

    public WarningListener() => isOwn.Value = true;

    public IReadOnlyList<string> Texts => [.. texts];

    /// <summary>Those that came from the asynchronous flow of the test that has made this.</summary>
    public IReadOnlyList<string> OwnTexts => [.. own];

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == "Sluice") EnableEvents(eventSource, EventLevel.Warning);
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData.Payload is not [string text]) return;
        texts?.Enqueue(text);
        if (isOwn?.Value == true) own.Enqueue(text);
    }
}
