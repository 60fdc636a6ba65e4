using Sluice.Flows;
using Sluice.Redis;

namespace Sluice.WebProgram;

/// <summary>
/// Services of one flow over Redis, each in a process of its own: "start" starts a run, "double" doubles its values in a child process, and
/// "show" prints them.
/// </summary>
internal static class FlowService
{
    private static readonly Processor Double = new("double") { Inputs = ["x"], Outputs = ["y"], Resume = ResumeMode.PerItem };
    private static readonly Processor Show = new("show") { Inputs = ["y"], Resume = ResumeMode.PerItem };

    /// <summary>Runs a service until it is killed, or a child of one until the service ends.</summary>
    public static async Task RunAsync(string role, string server)
    {
        var functions = new ProcessorFunctions { { Double, DoubleAsync } };
        if (await Worker.TryRunAsWorkerAsync(functions)) return;
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server);
        await using var supervisor = Supervisor.Attach(store, new()
        {
            Name = role,
            // On a busy machine, a service or its child may stand still for longer than by default: each processor starts once.
            LeaseDuration = TimeSpan.FromHours(1),
            Executor = role == "double" ? Executor.Processes(1, new() { StartTimeout = TimeSpan.FromHours(1) }) : null,
        });
        if (role == "double") supervisor.Register(functions);
        if (role == "show") supervisor.Register(Show, ShowAsync);
        FlowRun? run = null;
        if (role == "start")
        {
            // More than fit into the commit of the start: the service puts the others in.
            IEnumerable<IOVal> values = Enumerable.Range(1, 300).Select(static n => IOVal.Of("x", n));
            run = await supervisor.StartAsync(Flow.From(Double, Show).Resolve(), values, run: "r");
        }
        Console.WriteLine("started");
        if (run is not null)
        {
            await run.Completion;
            Console.WriteLine("completed");
        }
        await Task.Delay(Timeout.Infinite);          // until the test kills the process
    }

    private static async Task DoubleAsync(IO<int> x, IOWriter<int> y, CancellationToken cancellation)
    {
        await foreach (int value in x.StreamAsync(cancellation)) await y.WriteAsync(2 * value, cancellation);
    }

    private static async Task ShowAsync(IO<int> y, CancellationToken cancellation)
    {
        long sum = 0;
        await foreach (int value in y.StreamAsync(cancellation)) sum += value;
        Console.WriteLine($"sum {sum}");
    }
}
