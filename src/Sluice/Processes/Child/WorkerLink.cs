using Sluice.ChildProcesses;
using Sluice.Diagnostics;

namespace Sluice.Processes;

/// <summary>The worker's side of the connection. Answers are collected, and one loop sends them.</summary>
/// <remarks><see cref="Answer"/> and <see cref="Say"/> are thread-safe; one thread reads frames.</remarks>
/// <param name="parent">The connection.</param>
/// <param name="body">The name of the body.</param>
internal sealed class WorkerLink(ParentConnection parent, string body)
{
    private const int MaxSpare = 1024;
    private const int LargeResults = 1 << 14;
    private const int MaxMessage = 8192;

    private readonly FrameSender sender = parent.Sender;
    private readonly Stack<WorkerItem> spare = new();

    /// <summary>The name of the body.</summary>
    public string Body => body;

    public FrameReader Reader => parent.Reader;

    public int MaxItemBytes => parent.MaxPayloadBytes;

    /// <summary>The largest frame from the parent: an item, and room for its number and its trace.</summary>
    public static long MaxFrame(int maxItemBytes) => maxItemBytes + 64L + EntryTrace.MaxHeaders;

    public void SayHello(string input, string output) => parent.SayHello(input, output);

    public void Say(FrameKind kind, string text)
    {
        lock (sender.Sync)
        {
            FrameWriter filling = sender.Filling;
            int start = filling.Begin((byte)kind);
            filling.Write(text);
            filling.End(start);
        }
        sender.Tell();
    }

    public WorkerItem Begin(long number)
    {
        WorkerItem? item;
        lock (sender.Sync) spare.TryPop(out item);
        item ??= new(this);
        item.Begin(number);
        return item;
    }

    /// <summary>Sends the answer for an item without outstanding parts.</summary>
    public void Answer(WorkerItem item)
    {
        PartFailure? failure = item.Failure;
        Exception? cause = failure?.Cause.InnerException ?? failure?.Cause;
        string message = cause is null ? "" : ShortText.Of(FailureText.MessageOf(cause), MaxMessage);      // the user's code says it
        lock (sender.Sync)
        {
            FrameWriter filling = sender.Filling;
            int start = filling.Begin((byte)(failure is null ? FrameKind.Done : FrameKind.Failed), item.Number);
            if (failure is null)
            {
                filling.Write((byte)(item.Outcome == Outcome.Failed ? 1 : 0));
                filling.Write(item.Results);
            }
            else
            {
                filling.Write((byte)(failure.IsFinal ? 1 : 0));
                filling.Write(failure.Cause.Node);
                filling.Write(cause!.GetType().FullName ?? cause.GetType().Name);
                filling.Write(message);
            }
            filling.End(start);
            if (spare.Count < MaxSpare && item.Results.Length <= LargeResults) spare.Push(item);
        }
        sender.Tell();
    }

    /// <summary>Sends frames until <see cref="Close"/>.</summary>
    public Task SendAsync() => sender.RunAsync();

    /// <summary>Ends sending after the frames that are there.</summary>
    public void Close() => sender.Close();
}
