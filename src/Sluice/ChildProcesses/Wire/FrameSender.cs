using System.Net.Sockets;
using Sluice.Scheduling;

namespace Sluice.ChildProcesses;

/// <summary>Sends frames over a connection. Frames written during a send go out together with the next one.</summary>
/// <remarks>Any thread writes frames under <see cref="Sync"/>, and calls <see cref="Tell"/> afterwards. One loop sends.</remarks>
internal sealed class FrameSender(Socket socket) : IDisposable
{
    private readonly Waiter news = new(RunScheduler.ThreadPool);
    private FrameWriter filling = new();
    private FrameWriter sending = new();
    private bool isClosed;

    public Lock Sync { get; } = new();

    /// <summary>The writer of the next frame; use it under <see cref="Sync"/>.</summary>
    public FrameWriter Filling => filling;

    /// <summary>Wakes the sending loop.</summary>
    public void Tell()
    {
        Interlocked.MemoryBarrier();
        news.Wake();
    }

    /// <summary>Ends sending after the frames that are there.</summary>
    public void Close()
    {
        Volatile.Write(ref isClosed, true);
        Tell();
    }

    /// <summary>Sends frames until <see cref="Close"/>, then shuts the connection down.</summary>
    public async Task RunAsync()
    {
        while (true)
        {
            bool isLast = Volatile.Read(ref isClosed);
            lock (Sync) (filling, sending) = (sending, filling);
            if (sending.Length > 0)
            {
                for (int sent = 0; sent < sending.Length;) sent += await socket.SendAsync(sending.Memory[sent..]).ConfigureAwait(false);
                sending.Clear();
                continue;
            }
            if (isLast) break;
            news.Arm();
            if (HasNews && news.Disarm()) continue;
            await news.WaitAsync();
        }
        socket.Shutdown(SocketShutdown.Both);
    }

    /// <summary>Call it when the loop has ended. Other threads may still write: their frames go nowhere.</summary>
    public void Dispose()
    {
        lock (Sync)
        {
            filling.Dispose();
            sending.Dispose();
        }
    }

    private bool HasNews
    {
        get
        {
            lock (Sync) return filling.Length > 0 || isClosed;
        }
    }
}
