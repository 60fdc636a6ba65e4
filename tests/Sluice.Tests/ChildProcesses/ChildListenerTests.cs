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

    [Theory]
    [InlineData("00100000", "a frame of 1 MB is announced")]
    [InlineData("000000ff", "a frame without length")]
    [InlineData("05000000022a2a2a2a", "another kind of frame")]
    [InlineData("0500000001ffffffff", "a hello that is cut off")]
    [InlineData("474554202f20485454502f312e310d0a0d0a", "a browser")]
    public async Task AStrangerIsLeftWithoutAWordAndTheTokenStaysGood(string hex, string what)
    {
        using var life = new CancellationTokenSource();
        var listener = new ChildListener(16 << 20, Timeout, life.Token);
        ChildToken token = listener.Issue(out Task<ChildArrival> arriving);
        using Socket stranger = await ConnectAsync(token);
        await stranger.SendAsync(Convert.FromHexString(hex), Cancellation);
        stranger.Shutdown(SocketShutdown.Send);
        Assert.True(await stranger.ReceiveAsync(new byte[1], Cancellation) == 0, what);
        Assert.False(arriving.IsCompleted);

        using Socket child = await ConnectAsync(token), second = await ConnectAsync(token);
        using var frames = new FrameWriter();
        new Hello(token.Secret, "", "").Write(frames);
        await child.SendAsync(frames.Memory, Cancellation);
        ChildArrival arrival = await arriving.WaitAsync(Timeout, Cancellation);
        await second.SendAsync(frames.Memory, Cancellation);
        Assert.Equal(0, await second.ReceiveAsync(new byte[1], Cancellation));        // the token was used
        arrival.Reader.Dispose();
        arrival.Socket.Dispose();
        await life.CancelAsync();
        await listener.DisposeAsync().AsTask().WaitAsync(Timeout, Cancellation);
    }

    /// <summary>Its launcher has given it up in the same moment.</summary>
    [Fact]
    public async Task AChildThatConnectsTooLateIsClosed()
    {
        using var life = new CancellationTokenSource();
        var listener = new ChildListener(1 << 10, Timeout, life.Token);
        ChildToken token = listener.Issue(out Task<ChildArrival> arriving);
        using Socket child = await ConnectAsync(token);
        using var frames = new FrameWriter();
        new Hello(token.Secret, "", "").Write(frames);
        await child.SendAsync(frames.Memory, Cancellation);
        await arriving.WaitAsync(Timeout, Cancellation);

        listener.Revoke(token, arriving);

        Assert.Equal(0, await child.ReceiveAsync(new byte[1], Cancellation).AsTask().WaitAsync(Timeout, Cancellation));
        await life.CancelAsync();
        await listener.DisposeAsync().AsTask().WaitAsync(Timeout, Cancellation);
    }

    /// <summary>Something has cleaned the directory of temporary files.</summary>
    /// <remarks>Regression: no child could connect any more until the service was restarted.</remarks>
    [Fact]
    public async Task AChildConnectsAlthoughTheSocketWasRemoved()
    {
        using var life = new CancellationTokenSource();
        var listener = new ChildListener(1 << 10, Timeout, life.Token);
        string first = Path.GetDirectoryName(listener.Issue(out _).Socket)!;
        Directory.Delete(first, recursive: true);

        ChildToken token = listener.Issue(out Task<ChildArrival> arriving);
        using Socket child = await ConnectAsync(token);
        using var frames = new FrameWriter();
        new Hello(token.Secret, "", "").Write(frames);
        await child.SendAsync(frames.Memory, Cancellation);
        (await arriving.WaitAsync(Timeout, Cancellation)).Dispose();

        Assert.Equal(token.Socket, listener.Issue(out _).Socket);
        await life.CancelAsync();
        await listener.DisposeAsync().AsTask().WaitAsync(Timeout, Cancellation);
        Assert.False(Directory.Exists(Path.GetDirectoryName(token.Socket)));
    }

    private static async Task<Socket> ConnectAsync(ChildToken token)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(token.Socket), Cancellation);
        return socket;
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
