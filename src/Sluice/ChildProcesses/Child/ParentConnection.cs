using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Sluice.ChildProcesses;

/// <summary>A child's end of the connection to its parent.</summary>
/// <remarks>One loop receives, one loop sends; any thread writes frames (<see cref="FrameSender"/>).</remarks>
internal sealed class ParentConnection : IDisposable
{
    /// <summary>The time in which a child's work must end once the parent is gone.</summary>
    public static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(2);

    private readonly Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly ChildToken token;

    private ParentConnection(ChildToken token, long maxFrameBytes)
    {
        this.token = token;
        Reader = new(socket, maxFrameBytes);
        Sender = new(socket);
    }

    public FrameReader Reader { get; }

    public FrameSender Sender { get; }

    /// <summary>The largest payload that the parent sends or takes.</summary>
    public int MaxPayloadBytes => token.MaxPayloadBytes;

    /// <summary>Does the work of a child. Does nothing if the parent is gone, or no longer wants this process.</summary>
    /// <remarks>Ctrl+C and SIGTERM, which reach all processes of the group, are ignored: the parent handles them.</remarks>
    /// <param name="token">The token of this process.</param>
    /// <param name="maxFrameBytes">The largest frame from the parent.</param>
    /// <param name="work">The work, until the connection ends.</param>
    public static async Task RunAsync(ChildToken token, long maxFrameBytes, Func<ParentConnection, Task> work)
    {
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => context.Cancel = true);
        if (await TryOpenAsync(token, maxFrameBytes).ConfigureAwait(false) is not { } parent) return;
        using (parent) await work(parent).ConfigureAwait(false);
    }

    /// <returns>The connection; null if the parent is gone, or no longer wants this process.</returns>
    public static async Task<ParentConnection?> TryOpenAsync(ChildToken token, long maxFrameBytes)
    {
        var parent = new ParentConnection(token, maxFrameBytes);
        try
        {
            await parent.socket.ConnectAsync(new UnixDomainSocketEndPoint(token.Socket)).ConfigureAwait(false);
            return parent;
        }
        catch (SocketException)
        {
            parent.Dispose();
            return null;
        }
    }

    /// <summary>Writes the first frame, with the types of the child's work; empty if it knows none.</summary>
    public void SayHello(string input, string output)
    {
        lock (Sender.Sync) new Hello(token.Secret, input, output) { Version = token.Version }.Write(Sender.Filling);
    }

    /// <summary>Closes the connection. The buffers stay, because a loop may still receive; the process ends soon.</summary>
    public void Dispose() => socket.Dispose();
}
