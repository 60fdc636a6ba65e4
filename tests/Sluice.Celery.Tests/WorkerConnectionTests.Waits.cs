using Sluice.Testing;

namespace Sluice.Celery.Tests;

/// <content>Tasks that wait for a broker, or in its queue.</content>
public sealed partial class WorkerConnectionTests
{
    private const string NoAnswer = "The Celery broker has not answered within 10 seconds. Processors for Celery wait until it is back.",
        Again = "The Celery broker takes tasks again.";

    private readonly TestClock still = new();        // of ForTwoQueues
    private readonly List<string> said = [];         // its warnings

    private static readonly Processor Count = new("count") { Inputs = ["line"], Outputs = ["total"] };

    [Theory]
    [InlineData(30, true, 60)]
    [InlineData(1800, true, 3600)]
    [InlineData(3600, true, 3600)]
    [InlineData(30, false, 60)]
    [InlineData(3600, false, 60)]                    // the queue is empty: the task was taken, and may be lost
    public void ATaskIsSentAgainSeldomOnlyWhileTasksWait(int last, bool mayHaveTasks, int next) => Assert.Equal(TimeSpan.FromSeconds(next),
        CeleryExecutor.NextInterval(TimeSpan.FromSeconds(last), TimeSpan.FromSeconds(30), mayHaveTasks));

    /// <summary>A broker that is busy or away may still have the tasks. All calls share a look.</summary>
    [Fact]
    public async Task ABrokerThatDoesNotAnswerGetsNoMoreTasksThanAFullQueue()
    {
        broker.HasTasks = null;
        var clock = new TestClock();
        DateTimeOffset end = clock.GetUtcNow() + TimeSpan.FromHours(1);
        await using var alone = new CeleryExecutor(broker, new() { OnWarning = static _ => { } }) { Time = clock };
        await using Lab service = new(alone);
        await using FlowRun one = await service.StartAsync(["a"], "one");
        await using FlowRun two = await service.StartAsync(["a"], "two");
        while (true)
        {
            await clock.WaitForTimersAsync(2, Lab.Cancellation);
            if (clock.NextDue!.Value > end) break;
            clock.Advance(clock.NextDue.Value - clock.GetUtcNow());
        }

        Assert.Equal(2 * 7, broker.Routes.Count);    // at once, and after 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 minutes
        Assert.InRange(broker.Looks, 1, 70);
    }

    [Fact]
    public async Task ABrokerThatIsAwayIsSaidOnceForAllQueues()
    {
        broker.IsAway = true;
        await using CeleryExecutor alone = ForTwoQueues();
        await using Lab service = WithCount(alone);
        await using FlowRun run = await StartAsync(service, service.Copy, Count);
        await still.WaitForTimersAsync(2, Lab.Cancellation);
        broker.IsAway = false;
        still.Advance(TimeSpan.FromSeconds(1));
        await broker.NextAsync();
        await broker.NextAsync();
        await still.WaitForTimersAsync(2, Lab.Cancellation);
        Assert.Equal(["The Celery broker cannot be reached. Processors for Celery wait until it is back.", Again], said);
    }

    /// <summary>RabbitMQ may give no answer for a queue without a majority, and take tasks for others.</summary>
    [Fact]
    public async Task AQueueWithoutAnAnswerIsSaidOnceAlthoughTheBrokerTakesTasksForOthers()
    {
        broker.SilentQueue = "other";
        await using CeleryExecutor alone = ForTwoQueues();
        await using Lab service = WithCount(alone);
        await using FlowRun run = await StartAsync(service, service.Copy, Count);
        await broker.NextAsync();
        await still.WaitForTimersAsync(2, Lab.Cancellation);             // of the pause, and of the task that was taken
        List<FlowRun> healthy = [];                  // whose tasks are taken, so that each adds a timer
        while (healthy.Count < 3)
        {
            still.Advance(TimeSpan.FromSeconds(5));
            healthy.Add(await service.StartAsync(["a"], $"other-{healthy.Count}"));
            await broker.NextAsync();
            await still.WaitForTimersAsync(2 + healthy.Count, Lab.Cancellation);
        }
        broker.SilentQueue = null;
        still.Advance(TimeSpan.FromSeconds(5));
        await broker.NextAsync();
        await still.WaitForTimersAsync(2 + healthy.Count, Lab.Cancellation);
        Assert.Equal([NoAnswer, Again], said);
        foreach (FlowRun one in healthy) await one.DisposeAsync();
    }

    /// <summary>A send ends while it waits if its run is cancelled, or if a worker comes for an earlier task.</summary>
    [Fact]
    public async Task AQueueWithoutAnAnswerIsSaidOnceAlthoughASendIsGivenUp()
    {
        broker.SilentQueue = "other";
        await using CeleryExecutor alone = ForTwoQueues();
        await using Lab service = WithCount(alone);
        for (int i = 0; i < 3; i++)
        {
            await using FlowRun run = await StartAsync(service, Count);
            await still.WaitForTimersAsync(1, Lab.Cancellation);
            await run.CancelAsync();
            while (still.ArmedTimers > 0) await Task.Yield();            // until the send has ended
        }
        broker.SilentQueue = null;
        await using FlowRun last = await StartAsync(service, Count);
        await broker.NextAsync();
        await still.WaitForTimersAsync(1, Lab.Cancellation);
        Assert.Equal([NoAnswer, Again], said);
    }

    [Fact]
    public async Task EachReasonIsSaidOnceAlthoughASendWaitsForBothInTurn()
    {
        broker.SilentQueue = "other";
        await using CeleryExecutor alone = ForTwoQueues();
        await using Lab service = WithCount(alone);
        await using FlowRun run = await StartAsync(service, Count);
        for (int i = 0; i < 4; i++)
        {
            await still.WaitForTimersAsync(1, Lab.Cancellation);
            (broker.FullQueue, broker.SilentQueue) = (broker.SilentQueue, broker.FullQueue);
            still.Advance(TimeSpan.FromSeconds(5));
        }
        await still.WaitForTimersAsync(1, Lab.Cancellation);
        broker.SilentQueue = null;
        still.Advance(TimeSpan.FromSeconds(5));
        await broker.NextAsync();
        await still.WaitForTimersAsync(1, Lab.Cancellation);
        Assert.Equal([NoAnswer, "The Celery broker has not taken a task into the queue other. Processors for the queue other wait until it "
            + "takes tasks.", Again, "The Celery broker takes tasks for the queue other again."], said);
    }

    private CeleryExecutor ForTwoQueues() => new(broker, new()
    {
        OnWarning = said.Add,
        PickUpTimeout = TimeSpan.FromHours(1),       // no warning that no worker has come
        Routes = new Dictionary<string, CeleryRoute> { ["count"] = new() { Queue = "other" } },
    })
    { Time = still };

    private static Lab WithCount(CeleryExecutor executor)
    {
        var service = new Lab(executor);
        service.Service.Register(Count, executor);
        return service;
    }

    private static Task<FlowRun> StartAsync(Lab service, params Processor[] processors)
        => service.Service.StartAsync(Flow.From(processors).Resolve(), [IOVal.Of("line", "a")], cancellation: Lab.Cancellation);
}
