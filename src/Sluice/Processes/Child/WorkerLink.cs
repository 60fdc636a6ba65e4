using System.Net.Sockets;
using Sluice.Engine;

namespace Sluice.Processes;

/// <summary>The worker's side of the connection. Answers are collected, and one loop sends them.</summary>
/// <remarks><see cref="Answer"/> and <see cref="Say"/> are thread-safe; one thread reads frames.</remarks>
internal sealed class WorkerLink : IDisposable
{
    private const int MaxSpare = 1024;
    private const int LargeResults = 1 << 14;

    private readonly Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly WorkerToken invitation;
    private readonly FrameSender sender;
    private readonly Stack<WorkerItem> spare = new();

    private WorkerLink(WorkerToken invitation, int maxItemBytes)
    {
        (this.invitation, MaxItemBytes) = (invitation, maxItemBytes);
        Reader = new(socket, maxItemBytes + 64L);
        sender = new(socket);
    }

    public FrameReader Reader { get; }

    public int MaxItemBytes { get; }

    /// <returns>The link; null if the parent is gone, or no longer wants this process.</returns>
    public static async Task<WorkerLink?> TryConnectAsync(WorkerToken invitation)
    {
        var link = new WorkerLink(invitation, invitation.MaxItemBytes);
        try
        {
            await link.socket.ConnectAsync(new UnixDomainSocketEndPoint(invitation.Socket)).ConfigureAwait(false);
            return link;
        }
        catch (SocketException)
        {
            link.Dispose();
            return null;
        }
    }

    public void SayHello(string input, string output)
    {
        lock (sender.Sync)
        {
            FrameWriter filling = sender.Filling;
            int start = filling.Begin(FrameKind.Hello);
            filling.Write(invitation.Token);
            filling.Write(input);
            filling.Write(output);
            filling.End(start);
        }
    }

    public void Say(FrameKind kind, string text)
    {
        lock (sender.Sync)
        {
            FrameWriter filling = sender.Filling;
            int start = filling.Begin(kind);
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
        lock (sender.Sync)
        {
            FrameWriter filling = sender.Filling;
            int start = filling.Begin(failure is null ? FrameKind.Done : FrameKind.Failed, item.Number);
            if (failure is null)
            {
                filling.Write((byte)(item.Outcome == Outcome.Failed ? 1 : 0));
                filling.Write(item.Results);
            }
            else
            {
                Exception cause = failure.Cause.InnerException ?? failure.Cause;
                filling.Write((byte)(failure.IsFinal ? 1 : 0));
                filling.Write(failure.Cause.Node);
                filling.Write(cause.GetType().FullName ?? cause.GetType().Name);
                filling.Write(Cut(cause.Message));
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

    public void Dispose() => socket.Dispose();

    private static string Cut(string text) => text.Length <= 8192 ? text : string.Concat(text.AsSpan(0, 8192), "…");
}
