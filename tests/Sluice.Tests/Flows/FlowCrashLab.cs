using Sluice.Flows;
using Sluice.Storage;
using Sluice.Tests.Delivery;

namespace Sluice.Tests.Flows;

/// <summary>A flow with all kinds of processors over a store that survives. The service that hosts the flow dies at random store calls and
/// comes back. The results must be those of an undisturbed run.</summary>
internal sealed class FlowCrashLab(int seed, IStreamStore store, int lives = 12)
{
    private const int Items = 300;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public async Task PlayAsync(CancellationToken cancellation)
    {
        var random = new Random(seed);
        await using var starter = Supervisor.Attach(store, new() { Name = "starter" });
        await using FlowRun run = await starter.StartAsync(CrashFlow.Everything, [IOVal.Of(CrashFlow.Input, Items)], allOutputs: true,
            cancellation: cancellation);
        Task<Dictionary<string, List<string>>> results = CrashFlow.ReadAsync(run, cancellation: cancellation);
        Task all = Task.WhenAll(results, run.Completion);

        for (int life = random.Next(lives); !all.IsCompleted; life--)
        {
            var mortal = new MortalStore(store, life <= 0 ? int.MaxValue : random.Next(1, 400), (Moment)random.Next(3));
            var host = Supervisor.Attach(mortal, new() { Name = "host", MaxStarts = int.MaxValue });
            CrashFlow.Register(host, _ => true);
            try
            {
                await Task.WhenAny(all, mortal.Died).WaitAsync(Patience, cancellation);
            }
            catch (TimeoutException)
            {
                throw new InvalidOperationException($"It hangs:\n{(await run.GetStatusAsync(cancellation)).ToText()}");
            }
            if (mortal.Died.IsCompleted) await host.AbandonAsync();
            else await host.DisposeAsync();
        }

        await all;
        Assert.Null(CrashFlow.Difference(CrashFlow.Expected(Items), await results));
    }
}
