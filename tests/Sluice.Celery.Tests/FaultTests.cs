using System.Threading.Channels;

namespace Sluice.Celery.Tests;

/// <summary>Faults over Redis.</summary>
public class RedisFaultTests(RedisWorkers workers) : FaultTests(workers), IClassFixture<RedisWorkers>
{
    [Fact]
    public async Task ATaskThatIsDeliveredAgainWhileItRunsChangesNothing()
    {
        // Redis delivers a task again that was not acknowledged within the visibility timeout.
        string queue = NewQueue();
        await using CeleryWorker worker = await CeleryWorker.StartAsync(Workers.Url, queue, new Dictionary<string, string>
        {
            ["VISIBILITY"] = "1"
        });
        Channel<string> lines = Channel.CreateUnbounded<string>();
        await using Lab lab = Join(queue);
        await using FlowRun run = await lab.StartAsync(lines.Reader.ReadAllAsync());
        await lines.Writer.WriteAsync("a");
        await run.Output<string>("copy").FirstAsync(Lab.Cancellation);

        await worker.Process.SaysAsync("nobody waits for this task any more");

        await lines.Writer.WriteAsync("b");
        lines.Writer.Complete();
        Assert.Equal(["a", "b"], await Lab.ReadAsync(run));
        Assert.Empty(lab.Warnings);
    }
}

/// <summary>Faults over RabbitMQ.</summary>
public class RabbitFaultTests(RabbitWorkers workers) : FaultTests(workers), IClassFixture<RabbitWorkers>
{
    [Fact]
    public async Task AnAlarmOfTheBrokerIsWaitedForAndNothingIsLost()
    {
        RabbitServer server = ((RabbitWorkers)Workers).Server;
        var broker = new RabbitBroker(BrokerAddress.Parse(Workers.Url)) { SendTimeout = TimeSpan.FromSeconds(5) };
        Lab? lab = null;
        await using Lab service = lab = new(new CeleryExecutor(broker, new() { OnWarning = text => lab!.Note(text) }));
        await server.ControlAsync("set_vm_memory_high_watermark", "absolute", "1MB");

        await using FlowRun run = await service.StartAsync(["a", "b"]);

        Assert.EndsWith("takes no tasks now: low on memory. They wait until it does.",
            await service.WarnedAsync("takes no tasks now"), StringComparison.Ordinal);
        await service.WarnedAsync("Processors for Celery wait until it is back.");       // the time limit of a send
        await server.ControlAsync("set_vm_memory_high_watermark", "absolute", "1GB");
        Assert.Equal(["a", "b"], await Lab.ReadAsync(run));
    }
}

/// <summary>Workers, brokers and services that fail. Real brokers, real workers.</summary>
public abstract partial class FaultTests(Workers workers)
{
    protected Workers Workers => workers;

    protected static string NewQueue() => $"queue-{Guid.NewGuid():N}";

    [Fact]
    public async Task AWorkerThatIsKilledIsReplacedByAnotherOneAndItsTaskComesTooLate()
    {
        string queue = NewQueue();
        Channel<string> lines = Channel.CreateUnbounded<string>();
        await using Lab lab = Join(queue);
        await using FlowRun run = await lab.StartAsync(lines.Reader.ReadAllAsync());
        await using (CeleryWorker first = await CeleryWorker.StartAsync(workers.Url, queue))
        {
            await lines.Writer.WriteAsync("a");
            await run.Output<string>("copy").FirstAsync(Lab.Cancellation);
            await first.Process.KillAsync();
        }
        await lab.WarnedAsync("is started again");
        await using CeleryWorker second = await CeleryWorker.StartAsync(workers.Url, queue);
        await lines.Writer.WriteAsync("b");
        lines.Writer.Complete();

        Assert.Equal(["a", "b"], await Lab.ReadAsync(run));
        if (workers.RedeliversAtOnce) await second.Process.SaysAsync("nobody waits for this task any more");
    }

    [Fact]
    public async Task ABrokerThatIsRestartedInterruptsNothing()
    {
        Channel<string> lines = Channel.CreateUnbounded<string>();
        await using Lab lab = Join("sluice");
        await using FlowRun running = await lab.StartAsync(lines.Reader.ReadAllAsync(), "running");
        await lines.Writer.WriteAsync("a");
        await running.Output<string>("copy").FirstAsync(Lab.Cancellation);

        await workers.KillBrokerAsync();
        await using FlowRun waiting = await lab.StartAsync(["c", "d"], "waiting");
        string warning = await lab.WarnedAsync("cannot be reached");
        Assert.StartsWith($"The Celery broker, {BrokerAddress.Parse(workers.Url)}, cannot be reached", warning, StringComparison.Ordinal);
        Assert.EndsWith(". Processors for Celery wait until it is back.", warning, StringComparison.Ordinal);
        await lines.Writer.WriteAsync("b");
        lines.Writer.Complete();
        Assert.Equal(["a", "b"], await Lab.ReadAsync(running));       // its worker needs no broker
        await workers.StartBrokerAsync();

        Assert.Equal(["c", "d"], await Lab.ReadAsync(waiting));
    }

    [Fact]
    public async Task ARevokedTaskIsSentAgain()
    {
        string queue = NewQueue();
        await using Lab lab = Join(queue, new() { PickUpTimeout = TimeSpan.FromSeconds(2) });
        await using FlowRun run = await lab.StartAsync(["a"]);
        await lab.WarnedAsync("No Celery worker has taken");          // so it is in the queue
        string[] tasks = await workers.TasksAsync(queue);
        await workers.Worker.CommandAsync(["control", "revoke", .. tasks[..1], "-d", workers.Worker.Name, "-t", "60"]);

        await workers.Worker.CommandAsync("control", "add_consumer", queue, "-d", workers.Worker.Name, "-t", "60");

        await workers.Worker.Process.SaysAsync($"Discarding revoked task: sluice.run:copy[{tasks[0]}]");
        Assert.Equal(["a"], await Lab.ReadAsync(run));
    }

    [Fact]
    public async Task ARunningTaskThatIsTerminatedStartsAgain()
    {
        // A worker of its own: the shared one may just receive a task of another test that its broker delivers again.
        string queue = NewQueue();
        await using CeleryWorker worker = await CeleryWorker.StartAsync(workers.Url, queue);
        Channel<string> lines = Channel.CreateUnbounded<string>();
        await using Lab lab = Join(queue);
        await using FlowRun run = await lab.StartAsync(lines.Reader.ReadAllAsync(), "terminated");
        await lines.Writer.WriteAsync("a");
        await run.Output<string>("copy").FirstAsync(Lab.Cancellation);
        string received = (await worker.Process.SaysAsync("sluice.run:copy[", end: "] received")).Split("copy[")[1];

        string answer = await worker.CommandAsync("control", "terminate", "KILL", received[..36], "-d", worker.Name, "-t", "60");
        Assert.Contains($"terminate: {received[..36]}", answer, StringComparison.Ordinal);

        await lab.WarnedAsync("is started again");
        await lines.Writer.WriteAsync("b");
        lines.Writer.Complete();
        Assert.Equal(["a", "b"], await Lab.ReadAsync(run));
    }

    [Fact]
    public async Task AnotherServiceTakesOverAndTheWorkerOfTheFirstOneIsFree()
    {
        Channel<string> lines = Channel.CreateUnbounded<string>();
        await using Lab lab = Join("sluice");
        await using Lab second = lab.Beside();
        await using FlowRun run = await second.StartAsync(lines.Reader.ReadAllAsync());
        await lines.Writer.WriteAsync("a");
        await run.Output<string>("copy").FirstAsync(Lab.Cancellation);
        second.Service.Register(second.Copy, Executor.Celery(workers.Url));
        await lab.Service.DisposeAsync();
        await lines.Writer.WriteAsync("b");
        lines.Writer.Complete();

        Assert.Equal(["a", "b"], await Lab.ReadAsync(run));
    }

    [Fact]
    public async Task AWrongPasswordFailsTheProcessorAndIsNotSaid()
    {
        await using Lab lab = Join("sluice", url: workers.WrongUrl);
        await using FlowRun run = await lab.StartAsync(["a"]);
        string failure = await Lab.FailureAsync(run);
        Assert.Contains($"the processor copy has: The Celery broker, {BrokerAddress.Parse(workers.Url)}, refuses the", failure,
            StringComparison.Ordinal);
        Assert.Contains("password. Correct", failure, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter", failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnAddressWhereNoBrokerIsIsNamedAndTheRunCanBeCancelled()
    {
        int port = FreePort.Next();
        await using Lab lab = Join("sluice", url: workers.Url.Replace($":{BrokerAddress.Parse(workers.Url).Port}",
            $":{port}", StringComparison.Ordinal));
        await using FlowRun run = await lab.StartAsync(["a"]);
        Assert.Contains($"127.0.0.1:{port}", await lab.WarnedAsync("cannot be reached"), StringComparison.Ordinal);
        await run.CancelAsync();
        await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(Lab.Patience, Lab.Cancellation));
        Assert.All(lab.Warnings, static text => Assert.DoesNotContain("hunter", text, StringComparison.Ordinal));
    }

    private protected Lab Join(string queue, CeleryExecutorOptions? options = null, string? url = null)
    {
        Lab? lab = null;
        options ??= new() { PickUpTimeout = TimeSpan.FromMinutes(5) };
        return lab = new(Executor.Celery(url ?? workers.Url, options with
        {
            Route = new() { Queue = queue },
            OnWarning = text => lab!.Note(text)
        }));
    }
}
