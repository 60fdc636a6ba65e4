using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Sluice.Tests.Producers;

public class TcpAcceptTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>As Kestrel does it: [::] is each address of the machine.</remarks>
    [Fact]
    public async Task TheAnyAddressOfIPv6TakesIPv4Too()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "There is no IPv6 here.");
        var listening = new TaskCompletionSource<IPEndPoint>(TaskCreationOptions.RunContinuationsAsynchronously);
        var got = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        PipelineRun run = (Source.Tcp(0, new TcpOptions
        {
            Protocol = TcpProtocol.Lines,
            Address = IPAddress.IPv6Any,
            OnListening = listening.SetResult,
        }) | got.SetResult).Start();
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, (await listening.Task).Port, Cancellation);
        await client.GetStream().WriteAsync("a\n"u8.ToArray(), Cancellation);
        Assert.Equal("a", await got.Task);
        Assert.True(await run.StopAsync(cancellation: Cancellation));
    }

    /// <summary>The run fails, and the next one may listen at the same port.</summary>
    [Fact]
    public async Task AHandlerThatThrowsGivesThePortBack()
    {
        int port = FreePort.Next();                  // which no other test gets in between
        PipelineRun failing = Start(static _ => throw new FormatException("not now"));
        Assert.EndsWith("failed: not now", (await Assert.ThrowsAsync<PipelineException>(() => failing.Completion)).Message,
            StringComparison.Ordinal);
        var listening = new TaskCompletionSource<IPEndPoint>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using PipelineRun next = Start(listening.SetResult);
        Assert.Equal(port, (await listening.Task).Port);

        PipelineRun Start(Action<IPEndPoint> heard)
            => (Source.Tcp(port, new TcpOptions { Protocol = TcpProtocol.Lines, OnListening = heard }) | (_ => { })).Start();
    }

    /// <summary>The process has no more file descriptors for a moment: the source goes on when it has.</summary>
    [Fact]
    public async Task AConnectionThatCannotBeAcceptedDoesNotEndTheSource()
    {
        ConcurrentQueue<string> warnings = new();
        int failures = 2;
        var listening = new TaskCompletionSource<IPEndPoint>(TaskCreationOptions.RunContinuationsAsynchronously);
        var got = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        PipelineRun run = (Source.Tcp(0, new TcpOptions
        {
            Protocol = TcpProtocol.Lines,
            OnListening = listening.SetResult,
            OnWarning = warnings.Enqueue,
            Accept = (socket, cancellation) => Interlocked.Decrement(ref failures) >= 0
                ? throw new SocketException((int)SocketError.TooManyOpenSockets) : socket.AcceptAsync(cancellation)
        }) | got.SetResult).Start();
        using var client = new TcpClient();
        await client.ConnectAsync(await listening.Task, Cancellation);
        await client.GetStream().WriteAsync("a\n"u8.ToArray(), Cancellation);
        Assert.Equal("a", await got.Task);
        Assert.True(await run.StopAsync(cancellation: Cancellation));
        Assert.Contains("A connection could not be accepted, and it is tried again: SocketException: ", Assert.Single(warnings),
            StringComparison.Ordinal);
    }
}
