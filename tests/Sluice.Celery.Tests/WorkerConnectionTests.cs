using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace Sluice.Celery.Tests;

/// <summary>The connection of workers to a service, without Celery: the tests play broker and worker.</summary>
public sealed partial class WorkerConnectionTests : IAsyncDisposable
{
    private readonly PlayedBroker broker = new();
    private CeleryExecutor? executor;
    private Lab? lab;

    public async ValueTask DisposeAsync()
    {
        if (lab is not null) await lab.DisposeAsync();
    }

    [Fact]
    public async Task AWorkerServesTheProcessorOfItsTask()
    {
        Lab service = Join();
        await using FlowRun run = await service.StartAsync(["a", "b"]);
        TaskMessage task = await broker.NextAsync();
        using PlayedWorker worker = await PlayedWorker.ConnectAsync(task);
        Task serving = worker.ServeAsync(service.Functions);

        Assert.Equal(["a", "b"], await Lab.ReadAsync(run));
        await serving;
        await HoldsNothingAsync();
        Assert.Empty(service.Warnings);
    }

    [Fact]
    public async Task ATaskSaysWhatIsRunAndShowsNoSecret()
    {
        Lab service = Join(new() { Routes = new Dictionary<string, CeleryRoute> { ["copy"] = new() { Queue = "gpu", Priority = 7 } } });
        await using FlowRun run = await service.StartAsync(["a"]);
        TaskMessage task = await broker.NextAsync();

        Assert.Equal("gpu", Assert.Single(broker.Routes).Queue);
        Assert.Equal("""{"processor":"copy","run":"run","start":1}""", System.Text.Encoding.UTF8.GetString(task.NamedArguments));
        string secret = PlayedWorker.TokenOf(task).GetProperty("secret").GetString()!;
        using var message = JsonDocument.Parse(task.ToRedis(broker.Routes[0], 2));
        JsonElement headers = message.RootElement.GetProperty("headers");
        Assert.Equal("sluice.run:copy", headers.GetProperty("shadow").GetString());
        foreach (JsonProperty header in headers.EnumerateObject().Where(static one => one.Name != "sluice"))
            Assert.DoesNotContain(secret, header.Value.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(secret, message.RootElement.GetProperty("body").GetString()!, StringComparison.Ordinal);
        await run.CancelAsync();
    }

    [Fact]
    public async Task StrangersLearnNothingAndDoNotKeepAWorkerAway()
    {
        Lab service = Join();
        await using FlowRun run = await service.StartAsync(["a"]);
        TaskMessage task = await broker.NextAsync();
        int port = executor!.Listener!.Address.Port;
        foreach (byte[] said in (byte[][])
            [
                PlayedWorker.Hello(new byte[32]),                                   // a wrong secret
                PlayedWorker.Framed([1, 2, 3]), PlayedWorker.Framed([32, .. new byte[40]]), [255, 255, 255, 255],
                [0, 0, 0, 0], [0, 0, 0, 64], "GET / HTTP/1.1\r\n\r\n"u8.ToArray(),
            ])
        {
            using PlayedWorker stranger = await PlayedWorker.ConnectAsync(port);
            await stranger.SendAsync(said);
            Assert.True(await stranger.IsRefusedAsync());
        }
        List<PlayedWorker> silent = [];
        for (int i = 0; i < 300; i++) silent.Add(await PlayedWorker.ConnectAsync(port));
        Assert.True(await silent[0].IsRefusedAsync());                              // too many: the oldest one goes
        Assert.InRange(executor.Listener.Held.Strangers, 1, 129);                   // one is expected

        using PlayedWorker worker = await PlayedWorker.ConnectAsync(task);
        Task serving = worker.ServeAsync(service.Functions);
        Assert.Equal(["a"], await Lab.ReadAsync(run));
        await serving;
        silent.ForEach(static one => one.Dispose());
    }

    [Fact]
    public async Task ASecretIsUsedOnceAndEndsWithItsCall()
    {
        Lab service = Join();
        await using FlowRun run = await service.StartAsync(["a"]);
        TaskMessage task = await broker.NextAsync();
        using (PlayedWorker worker = await PlayedWorker.ConnectAsync(task))
        {
            byte[]? plan = await Frames.ReadAsync(worker.Stream, 1 << 20, Lab.Cancellation);
            Assert.NotNull(plan);
            using PlayedWorker second = await PlayedWorker.ConnectAsync(task);      // delivered twice
            Assert.True(await second.IsRefusedAsync());
        }
        TaskMessage next = await broker.NextAsync();                                // the worker has gone: the next start
        Assert.Contains("\"start\":2", System.Text.Encoding.UTF8.GetString(next.NamedArguments), StringComparison.Ordinal);
        using (PlayedWorker late = await PlayedWorker.ConnectAsync(task)) Assert.True(await late.IsRefusedAsync());
        await run.CancelAsync();
        await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(Lab.Patience, Lab.Cancellation));
        await service.Service.DisposeAsync();
        await Assert.ThrowsAsync<SocketException>(() => PlayedWorker.ConnectAsync(next));       // nobody listens any more
    }

    [Fact]
    public async Task ATaskThatNobodyTakesIsSentAgainWithAWarningAndTheFirstWorkerGetsTheCall()
    {
        Lab service = Join(new() { PickUpTimeout = TimeSpan.FromMilliseconds(1) });
        await using FlowRun run = await service.StartAsync(["a"]);
        TaskMessage first = await broker.NextAsync(), second = await broker.NextAsync();
        string warning = await service.WarnedAsync("No Celery worker");
        Assert.StartsWith("No Celery worker has taken the processor copy of the run run from the queue sluice for", warning,
            StringComparison.Ordinal);
        Assert.Contains(": nobody reads it. Start a worker with -Q sluice, whose application has registered the task sluice.run by",
            warning, StringComparison.Ordinal);

        using PlayedWorker worker = await PlayedWorker.ConnectAsync(first);
        Task serving = worker.ServeAsync(service.Functions);
        Assert.Equal(["a"], await Lab.ReadAsync(run));
        await serving;
        using PlayedWorker late = await PlayedWorker.ConnectAsync(second);
        Assert.True(await late.IsRefusedAsync());
        await HoldsNothingAsync();
    }

    [Fact]
    public async Task ABrokerThatIsAwayIsWaitedForAndOneThatRefusesFailsTheProcessor()
    {
        Lab service = Join();
        broker.Failures.Enqueue(new BrokerAwayException("The Celery broker, Redis at there:1, cannot be reached."));
        broker.Failures.Enqueue(new FlowException("The Celery broker refuses the password."));
        await using FlowRun run = await service.StartAsync(["a"]);

        Assert.Contains("The Celery broker refuses the password.", await Lab.FailureAsync(run), StringComparison.Ordinal);
        Assert.Equal("The Celery broker, Redis at there:1, cannot be reached. Processors for Celery wait until it is back.",
            service.Warnings[0]);
        await HoldsNothingAsync();
    }

    [Fact]
    public async Task AQueueThatIsFullIsSaidOnceAlthoughTheBrokerTakesTasksForOthers()
    {
        broker.FullQueue = "full";
        var count = new Processor("count") { Inputs = ["line"], Outputs = ["total"] };
        Lab service = Join(new() { Routes = new Dictionary<string, CeleryRoute> { ["count"] = new() { Queue = "full" } } });
        service.Service.Register(count, executor!);
        await using FlowRun run = await service.Service.StartAsync(Flow.From(service.Copy, count).Resolve(), [IOVal.Of("line", "a")],
            cancellation: Lab.Cancellation);
        await service.WarnedAsync("the queue full wait until it takes tasks.");
        await using FlowRun other = await service.StartAsync(["a"], "other");
        await broker.NextAsync();
        await broker.NextAsync();
        broker.FullQueue = null;

        await service.WarnedAsync("The Celery broker takes tasks for the queue full again.");
        lock (service.Warnings)                      // on a busy machine, also that no worker has taken a task
            Assert.Equal(2, service.Warnings.Count(static one => !one.StartsWith("No Celery worker", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("garbage", "a frame of the kind 7")]
    [InlineData("credit", "there is no stream 9")]
    [InlineData("call", "there is no call 2")]
    public async Task AWorkerThatSendsWhatItShouldNotIsCutOff(string what, string why)
    {
        Lab service = Join(maxStarts: 1);
        await using FlowRun run = await service.StartAsync(["a"]);
        using PlayedWorker worker = await PlayedWorker.ConnectAsync(await broker.NextAsync());
        await worker.SendAsync(what switch
        {
            "garbage" => PlayedWorker.Framed([7]),
            "credit" => Frames.Of([71, 9, .. new byte[7]]),
            _ => PlayedWorker.Framed([32, 2, .. new byte[7], 72]),
        });

        Assert.EndsWith($"It was cut off, because it sent what it should not: {why} (SupervisorOptions.MaxStarts).",
            await Lab.FailureAsync(run), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AWorkerOfAnotherVersionFailsTheProcessor()
    {
        Lab service = Join();
        await using FlowRun run = await service.StartAsync(["a"]);
        using PlayedWorker worker = await PlayedWorker.ConnectAsync(await broker.NextAsync(), version: 2);

        Assert.Contains("The Celery worker played@test speaks version 2 of the protocol", await Lab.FailureAsync(run),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task ACancelledFunctionThatDoesNotEndLosesItsConnection()
    {
        Lab service = Join(new() { StopTimeout = TimeSpan.FromMilliseconds(1) });
        await using FlowRun run = await service.StartAsync(["a"]);
        using PlayedWorker worker = await PlayedWorker.ConnectAsync(await broker.NextAsync());
        Assert.NotNull(await Frames.ReadAsync(worker.Stream, 1 << 20, Lab.Cancellation));

        await run.CancelAsync();

        while (await Frames.ReadAsync(worker.Stream, 1 << 20, Lab.Cancellation) is not null)
        {
            // until the service closes the connection
        }
        await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(Lab.Patience, Lab.Cancellation));
    }

    [Fact]
    public async Task TheConnectionIsEncryptedIfThereIsACertificate()
    {
        using X509Certificate2 certificate = NewCertificate();
        Lab service = Join(new() { Certificate = certificate });
        await using FlowRun run = await service.StartAsync(["a"]);
        TaskMessage task = await broker.NextAsync();
        using (PlayedWorker plain = await PlayedWorker.ConnectAsync(executor!.Listener!.Address.Port))
        {
            await plain.SendAsync(PlayedWorker.Hello(PlayedWorker.SecretOf(task)));
            while (!await plain.IsRefusedAsync())
            {
                // an alert of TLS
            }
        }
        using PlayedWorker worker = await PlayedWorker.ConnectAsync(task);
        Task serving = worker.ServeAsync(service.Functions);
        Assert.Equal(["a"], await Lab.ReadAsync(run));
        await serving;
    }

    [Fact]
    public async Task APortThatIsTakenIsWaitedForWithAWarning()
    {
        using var taken = new TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        Lab service = Join(new() { Listen = (System.Net.IPEndPoint)taken.LocalEndpoint });
        await using FlowRun run = await service.StartAsync(["a"]);
        Assert.Contains("Set CeleryExecutorOptions.Listen to an address of this machine, with a free port or 0. Until then,",
            await service.WarnedAsync("The service cannot listen"), StringComparison.Ordinal);

        taken.Stop();

        using PlayedWorker worker = await PlayedWorker.ConnectAsync(await broker.NextAsync());
        Task serving = worker.ServeAsync(service.Functions);
        Assert.Equal(["a"], await Lab.ReadAsync(run));
        await serving;
    }

    [Fact]
    public async Task AnAddressOfAnotherMachineFailsTheProcessorWithTheRemedy()
    {
        Lab service = Join(new() { Listen = new(System.Net.IPAddress.Parse("192.0.2.1"), 0) });
        await using FlowRun run = await service.StartAsync(["a"]);

        Assert.Contains("Set CeleryExecutorOptions.Listen to an address of this machine, with a free port or 0.",
            await Lab.FailureAsync(run), StringComparison.Ordinal);
    }

    // The call may end before the listener has forgotten its worker.
    private Task HoldsNothingAsync()
        => Rounds.UntilAsync(() => executor!.Listener!.Held == (0, 0), "The listener keeps something of a call that has ended.");

    private static X509Certificate2 NewCertificate()
    {
        using var key = RSA.Create(2048);
        DateTimeOffset from = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);
        return new CertificateRequest("CN=shop", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(from, from.AddYears(90));
    }

    private Lab Join(CeleryExecutorOptions? options = null, int maxStarts = 5, Func<SupervisorOptions, SupervisorOptions>? configure = null,
        TimeSpan? longCall = null, Func<Processor, Processor>? processor = null)
    {
        options ??= new();
        executor = new CeleryExecutor(broker, options with { OnWarning = text => lab!.Note(text) })
        {
            LongCall = longCall ?? TimeSpan.FromHours(1)
        };
        return lab = new(executor, processor, maxStarts, configure);
    }
}
