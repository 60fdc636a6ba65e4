using System.Globalization;
using System.Threading.Channels;

namespace Sluice.Celery.Tests;

/// <content>
/// Workers and brokers that are killed at random. SLUICE_CELERY_KILLS and SLUICE_BROKER_KILLS say how often, SLUICE_SEED which.
/// </content>
public abstract partial class FaultTests
{
    private const int Step = 40;

    private static int Seed { get; } = Number("SLUICE_SEED", 1);

    [Fact]
    public async Task KilledWorkersLoseAndDoubleNothing()
    {
        int kills = Number("SLUICE_CELERY_KILLS", 3);
        var random = new Random(Seed);
        string queue = $"torture-{Guid.NewGuid():N}";
        Channel<string> lines = Channel.CreateUnbounded<string>();
        Lab? lab = null;
        await using Lab service = lab = new(Executor.Celery(workers.Url, new()
        {
            Route = new() { Queue = queue },
            PickUpTimeout = TimeSpan.FromSeconds(5),
            OnWarning = text => lab!.Note(text),
        }), maxStarts: int.MaxValue);
        await using FlowRun run = await service.StartAsync(lines.Reader.ReadAllAsync());
        IAsyncEnumerator<string> copies = run.Output<string>("copy").StreamAsync(Lab.Cancellation).GetAsyncEnumerator(Lab.Cancellation);
        int fed = 0, read = 0, done = 0;
        CeleryWorker worker = await CeleryWorker.StartAsync(workers.Url, queue);
        try
        {
            for (; done < kills; done++)
            {
                // At least one value that was put in after the last kill: then a worker lives that can be killed.
                int until = fed + 1 + random.Next(Step);
                while (fed < until + Step) await lines.Writer.WriteAsync($"{fed++}");
                while (read < until) await NextAsync();
                int[] pool = [.. worker.Pool()];
                if (random.Next(3) == 0 || pool.Length == 0)
                {
                    await worker.DisposeAsync();
                    worker = await CeleryWorker.StartAsync(workers.Url, queue);
                }
                else
                {
                    foreach (int process in pool) await OwnedProcess.SignalAsync("KILL", process);
                }
            }
            lines.Writer.Complete();
            while (read < fed) await NextAsync();
            Assert.False(await copies.MoveNextAsync());
            await run.Completion.WaitAsync(Lab.Patience, Lab.Cancellation);
        }
        catch (TimeoutException e)
        {
            throw new InvalidOperationException($"After {done} kills no value came.\n{string.Join('\n', service.Warnings)}\n"
                + worker.Process.Output, e);
        }
        finally
        {
            await worker.DisposeAsync();
        }
        await copies.DisposeAsync();
        Assert.InRange(service.Warnings.Count(static text => text.Contains("is started again", StringComparison.Ordinal)), kills,
            int.MaxValue);
        TestContext.Current.TestOutputHelper!.WriteLine($"{done} kills, {read} values, {service.Warnings.Count} warnings");

        async Task NextAsync()
        {
            Assert.True(await copies.MoveNextAsync().AsTask().WaitAsync(Lab.Patience, Lab.Cancellation));
            Assert.Equal($"{read++}", copies.Current);
        }
    }

    [Fact]
    public async Task KilledBrokersLoseAndDoubleNothing()
    {
        int kills = Number("SLUICE_BROKER_KILLS", 1);
        Lab? lab = null;
        await using Lab service = lab = new(Executor.Celery(workers.Url, new()
        {
            PickUpTimeout = TimeSpan.FromSeconds(5),
            OnWarning = text => lab!.Note(text),
        }), maxStarts: int.MaxValue);
        for (int kill = 0; kill < kills; kill++)
        {
            string[] before = Lines(kill, "before"), meanwhile = Lines(kill, "meanwhile");
            await using FlowRun first = await service.StartAsync(before, $"before-{kill}");       // its task is on its way
            await workers.KillBrokerAsync();
            await using FlowRun second = await service.StartAsync(meanwhile, $"meanwhile-{kill}");
            await workers.StartBrokerAsync();
            Assert.Equal(before, await Lab.ReadAsync(first));
            Assert.Equal(meanwhile, await Lab.ReadAsync(second));
        }
        TestContext.Current.TestOutputHelper!.WriteLine($"{kills} kills, {service.Warnings.Count} warnings");
    }

    private static string[] Lines(int kill, string what) => [.. Enumerable.Range(0, 100).Select(n => $"{kill} {what} {n}")];

    private static int Number(string variable, int usual)
        => int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number) ? number : usual;
}
