using System.Net.Sockets;
using Sluice.ChildProcesses;

namespace Sluice.Tests.ChildProcesses;

/// <summary>The socket where child processes connect to their parent.</summary>
public class ChildListenerTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AChildConnectsAlthoughEarlierAcceptsHaveFailed()
    {
        using var life = new CancellationTokenSource();
        int accepts = 0;
        var listener = new ChildListener(1 << 10, Timeout, life.Token, (socket, cancellation) => ++accepts switch
        {
            1 => throw new SocketException((int)SocketError.TooManyOpenSockets),
            2 => throw new SocketException((int)SocketError.ConnectionAborted),
            _ => socket.AcceptAsync(cancellation),
        });
        ChildToken token = listener.Issue(out Task<ChildArrival> arriving);
        using var child = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await child.ConnectAsync(new UnixDomainSocketEndPoint(token.Socket), Cancellation);
        using var frames = new FrameWriter();
        new Hello(token.Secret, "text", "number").Write(frames);
        await child.SendAsync(frames.Memory, Cancellation);

        ChildArrival arrival = await arriving.WaitAsync(Timeout, Cancellation);

        Assert.Equal(("text", "number"), (arrival.Hello.Input, arrival.Hello.Output));
        Assert.InRange(accepts, 3, 4);
        arrival.Reader.Dispose();
        arrival.Socket.Dispose();
        await life.CancelAsync();
        await listener.DisposeAsync().AsTask().WaitAsync(Timeout, Cancellation);
    }

    [Fact]
    public async Task ItEndsAtOnceWhileItRestsAfterAFailedAccept()
    {
        using var life = new CancellationTokenSource();
        var hasFailed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var listener = new ChildListener(1 << 10, Timeout, life.Token, (_, _) =>
        {
            hasFailed.TrySetResult();
            throw new SocketException((int)SocketError.TooManyOpenSockets);
        });
        await hasFailed.Task.WaitAsync(Timeout, Cancellation);
        await life.CancelAsync();
        await listener.DisposeAsync().AsTask().WaitAsync(Timeout, Cancellation);
    }
}
