using Sluice.Celery;
using Sluice.Flows;
using Sluice.Redis;

namespace Sluice.Programs;

/// <summary>A service that hosts the processor <c>copy</c> in Celery workers, until it is killed.</summary>
internal static class CeleryProgram
{
    /// <summary>What it says when it hosts.</summary>
    public const string Ready = "hosts copy";

    public static async Task<int> RunAsync(string server, string broker, string queue)
    {
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server);
        await using var supervisor = Supervisor.Attach(store, new()
        {
            Name = "mortal",
            LeaseDuration = TimeSpan.FromSeconds(2),
            OnWarning = Console.Error.WriteLine
        });
        supervisor.Register(new("copy") { Inputs = ["line"], Outputs = ["copy"], Resume = ResumeMode.PerItem },
            Executor.Celery(broker, new() { Route = new() { Queue = queue }, OnWarning = Console.Error.WriteLine }));
        Console.Out.WriteLine(Ready);
        await Task.Delay(Timeout.Infinite);
        return 0;
    }
}
