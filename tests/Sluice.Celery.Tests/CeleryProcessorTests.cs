using System.Threading.Channels;

namespace Sluice.Celery.Tests;

/// <summary>Processors in Celery workers over Redis.</summary>
public class RedisProcessorTests(RedisWorkers workers) : CeleryProcessorTests(workers), IClassFixture<RedisWorkers>;

/// <summary>Processors in Celery workers over RabbitMQ.</summary>
public class RabbitProcessorTests(RabbitWorkers workers) : CeleryProcessorTests(workers), IClassFixture<RabbitWorkers>;

/// <summary>Processors in Celery workers. Real brokers, real workers.</summary>
public abstract class CeleryProcessorTests(Workers workers)
{
    [Theory]
    [InlineData(ResumeMode.FromScratch)]
    [InlineData(ResumeMode.PerItem)]
    public async Task AWorkerExecutesAProcessor(ResumeMode resume)
    {
        string[] lines = [.. Enumerable.Range(0, 2_000).Select(static n => $"line {n}")];
        await using Lab lab = Join(configure: copy => copy with { Resume = resume });
        await using FlowRun run = await lab.StartAsync(lines);
        Assert.Equal(lines, await Lab.ReadAsync(run));
        Assert.Empty(lab.Warnings);
    }

    [Fact]
    public async Task TheFailureOfAFunctionHasItsTraceback()
    {
        await using Lab lab = Join();
        await using FlowRun run = await lab.StartAsync(["a", "raise"]);
        string failure = await Lab.FailureAsync(run);
        Assert.Contains("the processor copy has: ValueError: asked to raise\nTraceback (most recent call last):", failure,
            StringComparison.Ordinal);
        Assert.Contains("processors.py", failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AValueAboveTheLimitFailsTheProcessorInBothDirectionsAndNamesTheOption()
    {
        await using Lab lab = Join(new() { MaxValueBytes = 1_000 });
        await using FlowRun put = await lab.StartAsync(["long 2000"], "put");
        Assert.Contains("it has 2,002 bytes, and 1,000 are allowed (CeleryExecutorOptions.MaxValueBytes)", await Lab.FailureAsync(put),
            StringComparison.Ordinal);
        await using FlowRun read = await lab.StartAsync([new string('y', 2_000)], "read");
        Assert.Contains("has 2,002 bytes, and a Celery worker is sent 1,000 at most (CeleryExecutorOptions.MaxValueBytes)",
            await Lab.FailureAsync(read), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFunctionThatKillsItsProcessIsStartedAgainAndNothingIsLostOrDoubled()
    {
        string file = Path.Combine(Path.GetTempPath(), $"once-{Guid.NewGuid():N}");
        string[] lines = [.. Enumerable.Range(0, 300).Select(n => n == 200 ? $"once {file} kill" : $"line {n}")];
        await using Lab lab = Join();
        await using FlowRun run = await lab.StartAsync(lines);
        Assert.Equal(lines, await Lab.ReadAsync(run));
        string warning = Assert.Single(lab.Warnings);
        Assert.Contains("is started again: The Celery worker worker", warning, StringComparison.Ordinal);
        Assert.Contains("has lost its connection before its end.", warning, StringComparison.Ordinal);
        File.Delete(file);
    }

    [Fact]
    public async Task CeleryInspectShowsWhatRunsAndNoSecretAndACancelledRunEndsIt()
    {
        await using Lab lab = Join();
        await using FlowRun run = await lab.StartAsync(["a", "wait"], "visible");
        await run.Output<string>("copy").FirstAsync(Lab.Cancellation);

        string active = await workers.Worker.CommandAsync("inspect", "active", "-t", "60", "-d", workers.Worker.Name);

        Assert.Contains("sluice.run:copy", active, StringComparison.Ordinal);
        Assert.Contains("\"run\": \"visible\"", active, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", active, StringComparison.Ordinal);
        await run.CancelAsync();
        await workers.Worker.Process.SaysAsync("was cancelled by its service");
        await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(Lab.Patience, Lab.Cancellation));
    }

    [Fact]
    public async Task AFunctionThatIgnoresItsEndLosesItsProcessAndTheWorkerGoesOn()
    {
        Channel<string> lines = Channel.CreateUnbounded<string>();
        await using Lab lab = Join(new() { StopTimeout = TimeSpan.FromMilliseconds(100) });
        await using FlowRun run = await lab.StartAsync(lines.Reader.ReadAllAsync());
        await lines.Writer.WriteAsync("a");
        await run.Output<string>("copy").FirstAsync(Lab.Cancellation);
        await lines.Writer.WriteAsync("block until the end");
        await workers.Worker.Process.SaysAsync("begins to block until the end");
        await run.CancelAsync();
        await workers.Worker.Process.SaysAsync("Its process ends.");
    }

    [Fact]
    public async Task AProcessorWithALimitFailsWhenItIsReached()
    {
        await using Lab lab = Join(new() { Route = new() { SoftTimeLimit = TimeSpan.FromSeconds(2) } });
        await using FlowRun run = await lab.StartAsync(["a", "wait"]);
        Assert.Contains("The processor has reached the soft time limit of its Celery task (2 seconds).", await Lab.FailureAsync(run),
            StringComparison.Ordinal);

        await using Lab other = Join(new() { Route = new() { TimeLimit = TimeSpan.FromSeconds(2) } });
        await using FlowRun killed = await other.StartAsync(["a", "block"]);
        Assert.Contains("has reached its hard time limit of 2 seconds (CeleryRoute.TimeLimit): the worker has killed it.",
            await Lab.FailureAsync(killed), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AQueueWithoutWorkersIsNamedAndAWorkerThatComesTakesTheTask()
    {
        string queue = $"later-{Guid.NewGuid():N}";
        await using Lab lab = Join(new()
        {
            PickUpTimeout = TimeSpan.FromSeconds(1),
            Route = new() { Queue = queue, Priority = 9 }
        });
        await using FlowRun run = await lab.StartAsync(["a"]);
        string warning = await lab.WarnedAsync("No Celery worker has taken");
        Assert.Contains($"from the queue {queue} for 1 seconds: {workers.NoWorker}. Start a worker with -Q {queue}", warning,
            StringComparison.Ordinal);

        await using CeleryWorker late = await CeleryWorker.StartAsync(workers.Url, queue, new Dictionary<string, string>
        {
            ["MAX_PRIORITY"] = "10"
        });
        Assert.Equal(["a"], await Lab.ReadAsync(run));
    }

    private Lab Join(CeleryExecutorOptions? options = null, Func<Processor, Processor>? configure = null)
    {
        Lab? lab = null;
        options ??= new() { PickUpTimeout = TimeSpan.FromMinutes(5) };
        return lab = new(Executor.Celery(workers.Url, options with { OnWarning = text => lab!.Note(text) }), configure);
    }
}
