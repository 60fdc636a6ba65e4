using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Sluice.Cli.Tests;

/// <summary>When a gate acts.</summary>
public enum GateMoment
{
    /// <summary>Before the other side has the request.</summary>
    BeforeRequest,

    /// <summary>After the other side has answered, before the answer is passed on.</summary>
    BeforeAnswer,
}

/// <summary>
/// Stands between a command and the process that it asks, and passes bytes on in both directions. When the request with a given text comes
/// for the n-th time, it calls an action once: so a test kills a server exactly during a request.
/// </summary>
internal sealed class RequestGate : IDisposable
{
    private readonly Socket listener;
    private readonly EndPoint target;
    private readonly byte[] text;
    private readonly GateMoment moment;
    private readonly Func<Task> act;
    private int left;

    /// <param name="at">The address to listen at.</param>
    /// <param name="target">The address of the other side.</param>
    /// <param name="text">A text in the request.</param>
    /// <param name="number">Which request with this text, from 1.</param>
    /// <param name="moment">When it acts.</param>
    /// <param name="act">The action.</param>
    public RequestGate(EndPoint at, EndPoint target, string text, int number, GateMoment moment, Func<Task> act)
    {
        (this.target, this.text, left, this.moment, this.act) = (target, Encoding.UTF8.GetBytes(text), number, moment, act);
        listener = Open(at);
        listener.Bind(at);
        listener.Listen(64);
        _ = AcceptAsync();
    }

    /// <summary>The port, if it listens at one.</summary>
    public int Port => ((IPEndPoint)listener.LocalEndPoint!).Port;

    public void Dispose() => listener.Dispose();

    private static Socket Open(EndPoint at)
        => new(at.AddressFamily, SocketType.Stream, at is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified);

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await listener.AcceptAsync());
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            // The test has ended.
        }
    }

    // A connection to a side that is gone is closed, as the operating system does.
    private async Task ServeAsync(Socket peer)
    {
        using Socket other = Open(target);
        using (peer)
        {
            try
            {
                await other.ConnectAsync(target);
                var holds = new Hold();
                await Task.WhenAny(PassAsync(peer, other, holds, isRequest: true), PassAsync(other, peer, holds, isRequest: false));
            }
            catch (SocketException)
            {
                // The other side is gone.
            }
        }
    }

    private async Task PassAsync(Socket from, Socket to, Hold hold, bool isRequest)
    {
        byte[] buffer = new byte[1 << 16];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and var count)
            {
                if (isRequest && IsMeant(buffer.AsSpan(0, count)))
                {
                    if (moment == GateMoment.BeforeRequest) await act();
                    else hold.IsOn = true;
                }
                else if (!isRequest && hold.IsOn)
                {
                    hold.IsOn = false;
                    await act();
                    return;
                }
                await to.SendAsync(buffer.AsMemory(0, count));
            }
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // One of the sides is gone, and the other one notices.
        }
    }

    // A request of these tests is one write of its sender, and shorter than the buffer.
    private bool IsMeant(ReadOnlySpan<byte> bytes) => bytes.IndexOf(text) >= 0 && Interlocked.Decrement(ref left) == 0;

    private sealed class Hold
    {
        public volatile bool IsOn;
    }
}
