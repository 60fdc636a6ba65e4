using System.Net.Sockets;
using Sluice.ChildProcesses;
using Sluice.Executors;
using Sluice.Flows;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Executors;

/// <summary>An executor with one child, which the test plays: it holds the other end of the socket. The real process only sleeps.</summary>
internal sealed class PlayedChild : IExecutor, IAsyncDisposable
{
    private static readonly ProcessExecutorOptions Options = new() { StopTimeout = TimeSpan.FromMilliseconds(1) };

    private readonly CancellationTokenSource life = new();
    private readonly ChildListener listener;
    private readonly Task playing;
    private readonly CallConnection connection;

    private PlayedChild(CancellationTokenSource life, ChildListener listener, Task playing, CallConnection connection)
        => (this.life, this.listener, this.playing, this.connection) = (life, listener, playing, connection);

    /// <summary>How many readings and failures the service keeps for each function.</summary>
    public IReadOnlyList<(int Readings, int Failures)> Held => connection.Held;

    /// <summary>A child that executes functions, in this process.</summary>
    public static Task<PlayedChild> ExecutingAsync(ProcessorFunctions functions) => StartAsync(async token =>
    {
        using ParentConnection parent = (await ParentConnection.TryOpenAsync(token, CallLimits.MaxFrame(token.MaxPayloadBytes)))!;
        await new CallLink(parent, new(functions, maxValueBytes: token.MaxPayloadBytes)).RunAsync(TimeSpan.Zero);
    });

    /// <summary>A child that sends the given frames when it is told to execute its first function, which is call number 1.</summary>
    public static Task<PlayedChild> SayingAsync(Action<FrameWriter> speech) => StartAsync(async token =>
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(token.Socket));
        using var frames = new FrameWriter();
        new Hello(token.Secret, "", "").Write(frames);
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
        await listener.DisposeAsync();
        life.Dispose();
    }

    private static async Task<PlayedChild> StartAsync(Func<ChildToken, Task> play)
    {
        var life = new CancellationTokenSource();
        var listener = new ChildListener(Options.MaxValueBytes, Options.StartTimeout, life.Token);
        ChildToken token = listener.Issue(out Task<ChildArrival> arriving);
        Task playing = play(token);
        ChildArrival arrival = await arriving.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        var program = new ChildProgram("sleep", ["600"], ExecutorEnvironment.Variable, Options.StartTimeout, KeptErrors: 5);
        return new(life, listener, playing, new(new(ChildProcess.Start(program, token), arrival), Options));
    }
}
