using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Sluice.Testing;

namespace Sluice.Celery.Tests;

/// <content>Connections that are lost, early and late; calls that wait long, and last long.</content>
public sealed partial class WorkerConnectionTests
{
    [Fact]
    public async Task AConnectionThatEndsInTheMiddleOfAFrameIsLostAndNotToBlame()
    {
        Lab service = Join(maxStarts: 1);
        await using FlowRun run = await service.StartAsync(["a"]);
        using (PlayedWorker worker = await PlayedWorker.ConnectAsync(await broker.NextAsync())) await worker.SendAsync([9, 0]);

        Assert.EndsWith("has lost its connection before its end (SupervisorOptions.MaxStarts).", await Lab.FailureAsync(run),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task AProcessorThatWaitsForAWorkerTakesNoPlaceOfAnotherOne()
    {
        Lab service = Join(configure: static options => options with { MaxConcurrency = 1 });
        await using FlowRun first = await service.StartAsync(["a"], "first"), second = await service.StartAsync(["b"], "second");
        TaskMessage[] tasks = [await broker.NextAsync(), await broker.NextAsync()];      // both ask for a worker
        foreach (TaskMessage task in tasks)
        {
            using PlayedWorker worker = await PlayedWorker.ConnectAsync(task);
            await worker.ServeAsync(service.Functions);
        }
        Assert.Equal(["a"], await Lab.ReadAsync(first));
        Assert.Equal(["b"], await Lab.ReadAsync(second));
    }

    [Fact]
    public async Task AWorkerThatGoesWhileTheProcessorWaitsForItsPlaceCountsAsNoStart()
    {
        Lab service = Join(configure: static options => options with { MaxConcurrency = 1 });
        var (works, mayEnd) = (new TaskCompletionSource(), new TaskCompletionSource());
        var local = new Processor("local") { Inputs = ["x"] };
        service.Service.Register(local, async (IO<int> x, CancellationToken cancellation) =>
        {
            await x.FirstAsync(cancellation);
            works.TrySetResult();
            await mayEnd.Task.WaitAsync(cancellation);
        });
        await using FlowRun run = await service.StartAsync(["a"]);
        TaskMessage task = await broker.NextAsync();                                 // the processor has given up its place
        await using FlowRun other = await service.Service.StartAsync(Flow.From(local).Resolve(), [IOVal.Of("x", 1)], run: "other",
            cancellation: Lab.Cancellation);
        await works.Task.WaitAsync(Lab.Patience, Lab.Cancellation);
        using (await PlayedWorker.ConnectAsync(task))
            while (executor!.Listener!.Held.Secrets > 0) await Task.Yield();         // until it was found
        mayEnd.SetResult();

        TaskMessage next = await broker.NextAsync();
        Assert.Contains("\"start\":1", System.Text.Encoding.UTF8.GetString(next.NamedArguments), StringComparison.Ordinal);
        await service.WarnedAsync("has gone while the processor copy of the run run waited for its place");
        using PlayedWorker worker = await PlayedWorker.ConnectAsync(next);
        Task serving = worker.ServeAsync(service.Functions);
        Assert.Equal(["a"], await Lab.ReadAsync(run));
        await serving;
    }

    [Fact]
    public async Task TheTimeoutOfAProcessorStandsStillWhileItWaitsForAWorker()
    {
        var clock = new TestClock();
        Lab service = Join(configure: options => options with { Time = clock, LeaseDuration = TimeSpan.FromHours(1) },
            processor: static copy => copy with { Timeout = TimeSpan.FromSeconds(10) });
        await using FlowRun run = await service.StartAsync(["a"]);
        TaskMessage task = await broker.NextAsync();

        clock.Advance(TimeSpan.FromMinutes(10));

        using (PlayedWorker worker = await PlayedWorker.ConnectAsync(task)) await worker.ServeAsync(service.Functions);
        Assert.Equal(["a"], await Lab.ReadAsync(run));
        await using FlowRun late = await service.StartAsync(["b"], "late");
        using PlayedWorker slow = await PlayedWorker.ConnectAsync(await broker.NextAsync());
        Assert.NotNull(await Frames.ReadAsync(slow.Stream, 1 << 20, Lab.Cancellation));          // the function works, or is about to
        clock.Advance(TimeSpan.FromMinutes(10));
        slow.Dispose();
        Assert.Contains("the processor copy has: It has worked for longer than 10 s on one item, not counting what it waited for "
            + "(Processor.Timeout).", await Lab.FailureAsync(late), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ACallThatOutlastsRabbitsPatienceIsSaidOnce()
    {
        Lab service = Join(longCall: TimeSpan.FromMilliseconds(1));
        await using FlowRun run = await service.StartAsync(["a"]);
        using PlayedWorker worker = await PlayedWorker.ConnectAsync(await broker.NextAsync());

        Assert.EndsWith("Set RabbitMQ's consumer_timeout above the longest function.", await service.WarnedAsync("has been in its Celery"),
            StringComparison.Ordinal);
        await worker.ServeAsync(service.Functions);
        Assert.Single(service.Warnings);
    }

    [Fact]
    public async Task ALossAfterTheEndOfTheFunctionDropsAndRepeatsNothing()
    {
        var read = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var count = new Processor("count") { Inputs = ["copy"], Outputs = ["total"] };
        await using Lab service = new(new LateLoss(read), static copy => copy with { Resume = ResumeMode.FromScratch });
        service.Service.Register(count, async (IO<int> copy, CancellationToken cancellation) =>
        {
            int total = 0;
            await foreach (int _ in copy.StreamAsync(cancellation))
                if (total++ == 0) await read.Task.WaitAsync(cancellation);       // a slow consumer: the bound holds the rest back
            return total;
        });
        await using FlowRun run = await service.Service.StartAsync(Flow.From(service.Copy, count).With("copy", new FlowStreamOptions
        {
            MaxItems = 10
        }).Resolve(), [IOVal.Of("line", "a")], cancellation: Lab.Cancellation);

        Assert.Equal(LateLoss.Values, await run.Output<int>("total").FirstAsync(Lab.Cancellation));
        await run.Completion.WaitAsync(Lab.Patience, Lab.Cancellation);
        Assert.Empty(service.Warnings);
    }

    /// <summary>Celery counts from the moment when the worker has taken the task, and the service from its connection.</summary>
    [Theory]
    [InlineData(7200, 7190, true)]
    [InlineData(7200, 7189, false)]
    [InlineData(20, 18, true)]
    [InlineData(20, 17, false)]
    [InlineData(5, 4, true)]
    [InlineData(5, 3, false)]
    [InlineData(7200, 7260, true)]
    [InlineData(7200, 7261, false)]                  // a worker without limits
    public void ALimitMayBeOverSomeSecondsEarlierAndNotLongBefore(int limit, int elapsed, bool expected)
        => Assert.Equal(expected, CeleryExecutor.MayHavePassed(TimeSpan.FromSeconds(limit), TimeSpan.FromSeconds(elapsed)));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AWorkerThatEndsBeforeItsCallIsGone(bool isTls)
    {
        using X509Certificate2? certificate = isTls ? NewCertificate() : null;
        await using var listener = new WorkerListener(new() { Certificate = certificate });
        var call = new PickUp();
        byte[] secret = listener.Expect(call);
        using PlayedWorker worker = await PlayedWorker.ConnectAsync(listener.Address.Port, listener.Fingerprint);
        await worker.SendAsync(PlayedWorker.Hello(secret));
        using WorkerConnection found = await call.Arrival.WaitAsync(Lab.Patience, Lab.Cancellation);
        Assert.False(found.IsClosed);

        if (worker.Stream is SslStream secure) await secure.ShutdownAsync();         // asyncio says goodbye first
        else worker.Dispose();

        Assert.True(SpinWait.SpinUntil(() => found.IsClosed, Lab.Patience));         // the network may need a moment
    }

    /// <remarks>The name of the service may lead to an address of IPv4.</remarks>
    [Fact]
    public async Task TheAnyAddressOfIPv6TakesIPv4Too()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "There is no IPv6 here.");
        await using var listener = new WorkerListener(new() { Listen = new(System.Net.IPAddress.IPv6Any, 0) });
        var call = new PickUp();
        byte[] secret = listener.Expect(call);
        using PlayedWorker worker = await PlayedWorker.ConnectAsync(listener.Address.Port);
        await worker.SendAsync(PlayedWorker.Hello(secret));
        (await call.Arrival.WaitAsync(Lab.Patience, Lab.Cancellation)).Dispose();
    }

    [Fact]
    public async Task ManyWorkersThatAreExpectedMayConnectAtOnce()
    {
        await using var listener = new WorkerListener(new());
        PickUp[] calls = [.. Enumerable.Range(0, 200).Select(static _ => new PickUp())];
        byte[][] secrets = [.. calls.Select(listener.Expect)];
        List<PlayedWorker> workers = [];
        foreach (byte[] _ in secrets) workers.Add(await PlayedWorker.ConnectAsync(listener.Address.Port));
        foreach ((PlayedWorker worker, byte[] secret) in workers.Zip(secrets)) await worker.SendAsync(PlayedWorker.Hello(secret));
        foreach (PickUp call in calls) (await call.Arrival.WaitAsync(Lab.Patience, Lab.Cancellation)).Dispose();
        workers.ForEach(static one => one.Dispose());
    }

    /// <summary>The function puts out values and ends; then its connection is lost, before the values are written.</summary>
    private sealed class LateLoss(TaskCompletionSource lost) : IExecutor
    {
        public const int Values = 500;

        public async Task ExecuteAsync(ProcessorCall call, CancellationToken cancellation)
        {
            var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using RemoteCall remote = call.OpenRemote(message =>
            {
                if (message[0] == 34) begun.TrySetResult();
            });
            Task executing = remote.ExecuteAsync(cancellation);
            await begun.Task;
            for (int i = 0; i < Values; i++) remote.Receive([71, .. new byte[8], (byte)'7']);
            remote.Receive([Frames.Done]);
            remote.Lose(new("it was faster than its values."));
            lost.SetResult();
            await executing;
        }
    }
}
