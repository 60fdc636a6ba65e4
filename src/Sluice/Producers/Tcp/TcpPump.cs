using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Sluice.Producers;

/// <summary>Listens, and serves connections until no more items are wanted.</summary>
/// <remarks>The list of connections is under <c>sync</c>; each connection runs by itself.</remarks>
internal sealed class TcpPump<T> : IntakePump<T>, IFramePump<T>, IDisposable
{
    private const int Backlog = 512;
    private static readonly TimeSpan AcceptRetryInterval = TimeSpan.FromMilliseconds(100);         // real time: of the operating system

    private readonly Lock sync = new();
    private readonly HashSet<Task> connections = [];
    private readonly TcpClients clients = new();
    private readonly int port;
    private readonly IPayloadSerializer<T> serializer;
    private readonly TcpOptions options;
    private readonly TcpRefusals refusals, strangers;              // of items, and of connections: strangers hide no lost item
    private Socket? listener;
    private Task accepting = Task.CompletedTask;

    public TcpPump(StageContext context, Inlet<T> next, int port, IPayloadSerializer<T> serializer, TcpOptions options)
        : base(context, next, null)
    {
        (this.port, this.serializer, this.options) = (port, serializer, options);
        refusals = new(options, Run.NameOf(context.Node), Run.Options.Time);
        strangers = new(options, Run.NameOf(context.Node), Run.Options.Time);
        Intake = _ => new RunIntake(this);
    }

    public Func<string?, IFrameIntake<T>> Intake { get; set; }

    public void Dispose() => listener?.Dispose();

    public void Fail(Exception cause) => Close(cause);

    public bool LeadsTo(Inlet<T> inlet) => ReferenceEquals(Next, inlet);

    protected override void Open()
    {
        listener = new(options.Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (options.Address.Equals(IPAddress.IPv6Any)) listener.DualMode = true;         // all addresses, as in the rest of .NET
            listener.Bind(new IPEndPoint(options.Address, port));
            listener.Listen(Backlog);
        }
        catch (SocketException e)
        {
            listener.Dispose();
            throw new InvalidOperationException(
                $"Cannot listen at {options.Address}:{port}: {e.Message}. Choose another port, or 0 for one that is free.", e);
        }
        try
        {
            options.OnListening?.Invoke((IPEndPoint)listener.LocalEndPoint!);
        }
        catch
        {
            listener.Dispose();                      // otherwise the port stays taken
            throw;
        }
        accepting = AcceptAllAsync();
    }

    protected override async ValueTask CloseAsync()
    {
        Stop();                                      // after a failure the connections have not been told yet
        Dispose();
        Task ending = EndAsync();
        if (!await ArrivesAsync(ending)) LeaveBehind(ending);
    }

    /// <summary>Waits until all connections have sent their last answers and are closed.</summary>
    private async Task EndAsync()
    {
        await accepting;
        Task[] open;
        lock (sync) open = [.. connections];
        await Task.WhenAll(open);
    }

    private async Task AcceptAllAsync()
    {
        try
        {
            while (true)
                if (await AcceptAsync() is { } socket) Serve(socket);
        }
        catch (Exception) when (IsStopped || Run.IsStopping)
        {
        }
        catch (Exception e)
        {
            Close(e);
        }
    }

    /// <returns>A connection; null if none could be accepted: the client was gone, or the process has too many open files, which may
    /// last.</returns>
    private async ValueTask<Socket?> AcceptAsync()
    {
        try
        {
            return await options.Accept(listener!, StopToken);
        }
        catch (SocketException e) when (!IsStopped)
        {
            strangers.Note("A connection could not be accepted, and it is tried again", e);
            await Task.Delay(AcceptRetryInterval, TimeProvider.System, StopToken);
            return null;
        }
    }

    private void Serve(Socket socket)
    {
        int open;
        lock (sync) open = connections.Count;
        if (open >= options.MaxConnections)
        {
            Refuse(socket);
            return;
        }
        Task serving = ServeAsync(new(socket, options, serializer, Intake, clients, refusals, strangers, Run.Options.Time, StopToken,
            Context.Token));
        if (serving.IsCompleted) return;
        lock (sync) connections.Add(serving);
        _ = ForgetAsync(serving);
    }

    private static async Task ServeAsync(TcpConnection<T> connection)
    {
        using (connection) await connection.ServeAsync();
    }

    /// <summary>Tells a client that there are too many connections, if that needs no wait.</summary>
    private void Refuse(Socket socket)
    {
        strangers.Note($"A connection was refused, because there are {options.MaxConnections} already (TcpOptions.MaxConnections)");
        using (socket)
        {
            try
            {
                socket.Blocking = false;
                if (options.Tls is null) socket.Send(TcpFrames.Answer(
                    $"error 0 There are {options.MaxConnections} connections already; try again later.", options.Framing));
                socket.Shutdown(SocketShutdown.Send);
            }
            catch (SocketException)
            {
                // the client is gone
            }
        }
    }

    private async Task ForgetAsync(Task serving)
    {
        await serving;                               // never throws
        lock (sync) connections.Remove(serving);
    }

    /// <summary>The intake of a plain run: an item is accepted when the run has taken it.</summary>
    private sealed class RunIntake(TcpPump<T> pump) : IFrameIntake<T>
    {
        private static readonly Task Never = new TaskCompletionSource().Task;

        public Task Full => Never;

        public ValueTask<long> OpenAsync(CancellationToken cancellation) => new(0);

        public ValueTask<Task> AddAsync(T item, CancellationToken cancellation)
            => pump.TryAccept(item) ? new(Task.CompletedTask) : AddLaterAsync(item, cancellation);

        public void GoOn()
        {
        }

        public void Dispose()
        {
        }

        private async ValueTask<Task> AddLaterAsync(T item, CancellationToken cancellation)
        {
            try
            {
                await pump.AcceptAsync(item, cancellation);
            }
            catch (ChannelClosedException closed)
            {
                throw new OperationCanceledException("The run wants no more items.", closed);
            }
            return Task.CompletedTask;
        }
    }
}
