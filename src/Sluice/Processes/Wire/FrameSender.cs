using System.Net.Sockets;

namespace Sluice;

/// <summary>Sends frames over a connection: what is written while a piece is on its way goes together with the next.</summary>
/// <remarks>Frames are written under <see cref="Sync"/>, by anyone, who calls <see cref="Tell"/> afterwards. One loop sends.</remarks>
internal sealed class FrameSender(Socket socket) : IDisposable
{
    private readonly Waiter news = new(RunScheduler.ThreadPool);
    private FrameWriter filling = new();
    private FrameWriter sending = new();
    private bool isClosed;

    public Lock Sync { get; } = new();

    /// <summary>Where the next frame is written; under <see cref="Sync"/>.</summary>
    public FrameWriter Filling => filling;

    /// <summary>Something was written.</summary>
    public void Tell()
    {
        Interlocked.MemoryBarrier();
        news.Wake();
    }

    /// <summary>Nothing more is sent behind what there is.</summary>
    public void Close()
    {
        Volatile.Write(ref isClosed, true);
        Tell();
    }

    /// <summary>Sends what there is, until <see cref="Close"/>; then tells the other side that it was all.</summary>
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

    /// <summary>When the loop has ended.</summary>
    public void Dispose()
    {
        filling.Dispose();
        sending.Dispose();
    }

    private bool HasNews
    {
        get
        {
            lock (Sync) return filling.Length > 0 || isClosed;
        }
    }
}
