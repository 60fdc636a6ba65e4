using System.Net.Sockets;
using Sluice.Executors;
using Sluice.Flows;
using Sluice.Processes;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Executors;

/// <summary>An executor with one child, which the test plays: it holds the other end of the socket. The real process only sleeps.</summary>
internal sealed class PlayedChild : IExecutor, IAsyncDisposable
{
    private static readonly ProcessExecutorOptions Options = new() { StopTimeout = TimeSpan.FromMilliseconds(1) };

    private readonly CancellationTokenSource life = new();
    private readonly WorkerListener door;
    private readonly Task playing;
    private readonly ChildConnection connection;

    private PlayedChild(CancellationTokenSource life, WorkerListener door, Task playing, ChildConnection connection)
        => (this.life, this.door, this.playing, this.connection) = (life, door, playing, connection);

    /// <summary>How many readings and failures the service keeps for each function.</summary>
    public IReadOnlyList<(int Readings, int Failures)> Held => connection.Held;

    /// <summary>A child that executes functions, in this process.</summary>
    public static Task<PlayedChild> ExecutingAsync(ProcessorFunctions functions) => StartAsync(async invitation =>
    {
        using ChildLink link = (await ChildLink.TryConnectAsync(invitation, new(), functions.Bind(ProcessorServices.None)))!;
        await link.RunAsync(TimeSpan.Zero);
    });

    /// <summary>A child that sends the given frames when it is told to execute its first function, which is call number 1.</summary>
    public static Task<PlayedChild> SayingAsync(Action<FrameWriter> speech) => StartAsync(async invitation =>
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(invitation.Socket));
        using var frames = new FrameWriter();
        int start = frames.Begin(FrameKind.Hello);
        frames.Write(invitation.Token);
        frames.Write("");
        frames.Write("");
        frames.End(start);
        await socket.SendAsync(frames.Memory);
        byte[] heard = new byte[1 << 16];
        await socket.ReceiveAsync(heard);
        frames.Clear();
        speech(frames);
        await socket.SendAsync(frames.Memory);
        while (await socket.ReceiveAsync(heard) > 0)
        {
            // reads until the service closes the socket
        }
    });

    public async Task ExecuteAsync(ProcessorCall call, CancellationToken cancellation)
    {
        await Task.Yield();
        await connection.ExecuteAsync(call, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await connection.DisposeAsync();
        await playing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await life.CancelAsync();
        await door.DisposeAsync();
        life.Dispose();
    }

    private static async Task<PlayedChild> StartAsync(Func<WorkerToken, Task> play)
    {
        var life = new CancellationTokenSource();
        var door = new WorkerListener(new() { MaxItemBytes = Options.MaxValueBytes }, life.Token);
        WorkerToken invitation = door.Invite(out Task<WorkerArrival> arriving);
        Task playing = play(invitation);
        WorkerArrival arrival = await arriving.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        WorkerProcess process = WorkerProcess.Start("sleep", ["600"], ExecutorEnvironment.Variable, invitation, keepsErrors: true);
        return new(life, door, playing, new(arrival, process, new(process.Errors), Options));
    }
}
