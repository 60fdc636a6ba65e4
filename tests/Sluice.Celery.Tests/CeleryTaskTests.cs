using System.Text.Json;
using Sluice.Graphs;
using Sluice.Redis.Tests;

namespace Sluice.Celery.Tests;

/// <summary>Tasks of a Celery application as functions, stages and steps. Real Redis, real worker.</summary>
public sealed class CeleryTaskTests(RedisWorkers workers) : IClassFixture<RedisWorkers>, IAsyncDisposable
{
    private readonly CeleryClient celery = new(workers.Url);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static CeleryTaskOptions Positional { get; } = new() { Arguments = CeleryArguments.Positional };

    public ValueTask DisposeAsync() => celery.DisposeAsync();

    [Fact]
    public async Task ATaskIsAStageAndAStep()
    {
        Func<(int X, int Y), CancellationToken, Task<int>> add = celery.Task<(int X, int Y), int>("app.tasks.add", Positional);
        List<int> sums = await (Source.From(Enumerable.Range(0, 50).Select(static n => (n, 1))) | add | Stage.Parallel(8))
            .ToListAsync(cancellation: Cancellation);
        Assert.Equal(Enumerable.Range(1, 50), sums);

        var step = Step.Of(async ((int X, int Y) pair) => await add(pair, Cancellation)).Named("add");
        Assert.Equal(7, await step((3, 4)));
    }

    [Fact]
    public async Task ArgumentsAreOneValueManyOrNamed()
    {
        JsonElement one = await celery.Task<string, JsonElement>("app.tasks.describe")("a", Cancellation);
        Assert.Equal(("a", 1), (one.GetProperty("name").GetString(), one.GetProperty("size").GetInt32()));
        Assert.Equal(3, await celery.Task<int[], int>("app.tasks.add", Positional)([1, 2], Cancellation));
        Func<Described, CancellationToken, Task<Described>> named = celery.Task<Described, Described>("app.tasks.describe", new()
        {
            Arguments = CeleryArguments.Named,
            Serializers = Storage.PayloadSerializers.JsonOf(new JsonSerializerOptions(JsonSerializerOptions.Default)
            {
                PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower
            }),
        });
        Assert.Equal(new Described("b", 4), await named(new("b", 4), Cancellation));
    }

    [Fact]
    public async Task AFailureHasTheTypeAndTheTracebackOfPython()
    {
        CeleryTaskException failure = await FailAsync<string>("app.tasks.fail", "no such page");
        Assert.Equal(("FAILURE", "ValueError"), (failure.State, failure.ExceptionType));
        Assert.StartsWith($"The task app.tasks.fail ({failure.TaskId}) has failed: ValueError: no such page\nTraceback (most recent call "
            + "last):", failure.Message, StringComparison.Ordinal);
        Assert.Contains("celery_app.py", failure.Traceback, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LimitsRevocationsAndMissingResultsAreSaid()
    {
        var hard = new CeleryRoute { TimeLimit = TimeSpan.FromSeconds(1) };
        var soft = new CeleryRoute { SoftTimeLimit = TimeSpan.FromSeconds(1) };
        var nobody = new CeleryTaskOptions { Route = new() { Queue = "nobody" }, ResultTimeout = TimeSpan.FromMilliseconds(50) };
        Task<CeleryTaskException> killed = FailAsync<int>("app.tasks.nap", 100, new() { Route = hard });
        Task<CeleryTaskException> stopped = FailAsync<int>("app.tasks.nap", 100, new() { Route = soft });
        Assert.EndsWith("has reached its hard time limit (1 seconds)", (await killed).Message, StringComparison.Ordinal);
        Assert.Contains("has reached its soft time limit\nTraceback", (await stopped).Message, StringComparison.Ordinal);
        Assert.Contains("no result for 0.05 seconds (CeleryTaskOptions.ResultTimeout). It may still run, or wait in the queue nobody. Or "
            + "no worker reads this queue,", (await FailAsync<int>("app.tasks.nap", 0, nobody)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("not json", "The result of the task is damaged:")]
    [InlineData("{}", "The result of the task is damaged:")]
    [InlineData("""{"status": "\ud800"}""", "The result of the task is damaged:")]
    [InlineData("\u0080pickled", "pickled, and pickle is not read: it executes code. Set result_serializer = \"json\"")]
    [InlineData("""{"status": "SUCCESS", "result": "a text"}""", "Its result is no int:")]
    [InlineData("""{"status": "SUCCESS"}""", "Its result is no int:")]
    [InlineData("""{"status": "REVOKED", "result": {"exc_type": "TaskRevokedError", "exc_message": ["revoked"]}, "traceback": null}""",
        "was revoked")]
    [InlineData("""{"status": "FAILURE", "result": null}""", "has failed: ")]
    public async Task AResultThatCannotBeReadIsAFailureThatSaysSo(string stored, string expected)
    {
        var broker = new PlayedBroker();
        await using var client = new CeleryClient(broker, BrokerAddress.Parse(workers.Url));
        Task<int> call = client.Task<int, int>("any")(1, Cancellation);
        TaskMessage task = await broker.NextAsync();
        await using var link = new RedisLink(BrokerAddress.Parse(workers.Url), "broker");
        string key = $"celery-task-meta-{task.Id}";
        byte[] bytes = [.. stored.Select(static letter => (byte)letter)];
        await link.AskAsync("SET", [key, """{"status": "STARTED", "result": {}}"""], Cancellation);
        await link.AskAsync("PUBLISH", [key, "x"], Cancellation);
        await link.AskAsync("SET", [key, bytes], Cancellation);
        await link.AskAsync("PUBLISH", [key, "x"], Cancellation);

        CeleryTaskException failure = await Assert.ThrowsAsync<CeleryTaskException>(() => call);
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
        Assert.Equal(task.Id, failure.TaskId);
        if (stored.Contains("SUCCESS", StringComparison.Ordinal)) Assert.Equal("SUCCESS", failure.State);        // it must not run again
    }

    [Fact]
    public async Task AResultOfAPythonTypeIsReadAsTheTypeOfThatKind()
    {
        var broker = new PlayedBroker();
        await using var client = new CeleryClient(broker, BrokerAddress.Parse(workers.Url));
        Task<decimal> call = client.Task<int, decimal>("any")(1, Cancellation);
        TaskMessage task = await broker.NextAsync();
        await using var link = new RedisLink(BrokerAddress.Parse(workers.Url), "broker");
        string key = $"celery-task-meta-{task.Id}";
        await link.AskAsync("SET",
            [key, """{"status": "SUCCESS", "result": {"__type__": "decimal", "__value__": "1.50"}}"""], Cancellation);
        await link.AskAsync("PUBLISH", [key, "x"], Cancellation);
        Assert.Equal(1.50m, await call);
    }

    [Fact]
    public async Task ALongTupleHasOneArgumentForEachElement()
    {
        var broker = new PlayedBroker();
        await using var client = new CeleryClient(broker, BrokerAddress.Parse(workers.Url));
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Task call = client.Task<(int, int, int, int, int, int, int, int), int>("any", Positional)((1, 2, 3, 4, 5, 6, 7, 8), end.Token);
        Assert.Equal("[1,2,3,4,5,6,7,8]", System.Text.Encoding.UTF8.GetString((await broker.NextAsync()).Arguments));
        var nested = Tuple.Create(1, 2, 3, 4, 5, 6, 7, Tuple.Create(8, (int[])[9]));
        Task other = client.Task<Tuple<int, int, int, int, int, int, int, Tuple<Tuple<int, int[]>>>, int>("any", Positional)(nested,
            end.Token);
        Assert.Equal("[1,2,3,4,5,6,7,{\"Item1\":8,\"Item2\":[9]}]",
            System.Text.Encoding.UTF8.GetString((await broker.NextAsync()).Arguments));
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.WhenAll(call, other));
    }

    [Fact]
    public async Task AResultThatIsTooLongSaysThatTheTaskHasSucceeded()
    {
        var broker = new PlayedBroker();
        await using var client = new CeleryClient(broker, BrokerAddress.Parse(workers.Url));
        Task<string> call = client.Task<int, string>("any", new() { MaxValueBytes = 10 })(1, Cancellation);
        TaskMessage task = await broker.NextAsync();
        await using var link = new RedisLink(BrokerAddress.Parse(workers.Url), "broker");
        string key = $"celery-task-meta-{task.Id}";
        await link.AskAsync("SET", [key, """{"status": "SUCCESS", "result": "a long text"}"""], Cancellation);
        await link.AskAsync("PUBLISH", [key, "x"], Cancellation);
        CeleryTaskException failure = await Assert.ThrowsAsync<CeleryTaskException>(() => call);
        Assert.Equal(("SUCCESS", task.Id), (failure.State, failure.TaskId));
        Assert.Contains("and 10 are allowed", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AResultBackendThatIsAwayAtTheEndIsNamed()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        var broker = new PlayedBroker { OnSending = () => server.KillAsync() };          // the time for the result begins afterwards
        await using var client = new CeleryClient(broker, BrokerAddress.Parse($"redis://{server.Address}/0"));
        CeleryTaskException failure = await Assert.ThrowsAsync<CeleryTaskException>(
            () => client.Task<int, int>("any", new() { ResultTimeout = TimeSpan.FromSeconds(1) })(1, Cancellation));
        Assert.Contains("The Celery result backend, Redis at 127.0.0.1:", failure.Message, StringComparison.Ordinal);
        Assert.Null(failure.State);
    }

    /// <summary>Memory that is full, or a replica that is away, may pass: the executor sends again.</summary>
    [Theory]
    [InlineData("maxmemory", "1", "0", "OOM")]
    [InlineData("min-replicas-to-write", "1", "0", "NOREPLICAS")]
    public async Task ABrokerThatRefusesWritesForAWhileIsAwayAndHasNotFailed(string setting, string full, string free, string answer)
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var link = new RedisLink(BrokerAddress.Parse($"redis://{server.Address}/0"), "broker");
        await link.AskAsync("CONFIG", ["SET", setting, full], Cancellation);
        BrokerAwayException away = await Assert.ThrowsAsync<BrokerAwayException>(
            () => link.AskAsync("LPUSH", ["queue", "x"], Cancellation));
        Assert.Contains($"is not ready: {answer} ", away.Message, StringComparison.Ordinal);
        await link.AskAsync("CONFIG", ["SET", setting, free], Cancellation);
        Assert.Equal(1, (long)await link.AskAsync("LPUSH", ["queue", "x"], Cancellation));
    }

    [Fact]
    public async Task AWrongPasswordOfTheResultBackendIsSaidAndNotShown()
    {
        await using var client = new CeleryClient(new PlayedBroker(), BrokerAddress.Parse(workers.WrongUrl));
        CeleryTaskException failure = await Assert.ThrowsAsync<CeleryTaskException>(
            () => client.Task<int, int>("any")(1, Cancellation));
        Assert.Contains("The Celery result backend, Redis at 127.0.0.1:", failure.Message, StringComparison.Ordinal);
        Assert.Contains("refuses the user or the password.", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter", failure.ToString(), StringComparison.Ordinal);
        Assert.StartsWith("The task any was not sent. ", failure.Message, StringComparison.Ordinal);
        Assert.Null(failure.TaskId);
    }

    [Fact]
    public async Task AWrongPasswordOfTheBrokerSaysThatNothingWasSent()
    {
        await using var broker = new RedisBroker(BrokerAddress.Parse(workers.WrongUrl));
        await using var client = new CeleryClient(broker, BrokerAddress.Parse(workers.Url));
        CeleryTaskException failure = await Assert.ThrowsAsync<CeleryTaskException>(
            () => client.Task<int, int>("any")(1, Cancellation));
        Assert.StartsWith("The task any was not sent. The Celery broker, Redis at 127.0.0.1:", failure.Message, StringComparison.Ordinal);
        Assert.Null(failure.TaskId);
    }

    [Fact]
    public async Task AUserOfTheServersAclIsTheOneOfTheAddress()
    {
        await using (var link = new RedisLink(BrokerAddress.Parse(workers.Url), "broker"))
            await link.AskAsync("ACL", ["SETUSER", "tasks", "on", ">half:@", "~*", "&*", "+@all"], Cancellation);
        await using var named = new RedisLink(
            BrokerAddress.Parse(workers.Url.Replace(":hunter2@", "tasks:half%3A%40@", StringComparison.Ordinal)), "broker");
        Assert.Equal("tasks", (string?)await named.AskAsync("ACL", ["WHOAMI"], Cancellation));
    }

    [Fact]
    public async Task ADisposedClientFailsTheCallsThatWait()
    {
        var broker = new PlayedBroker();
        var client = new CeleryClient(broker, BrokerAddress.Parse(workers.Url));
        Func<int, CancellationToken, Task<int>> any = client.Task<int, int>("any");
        Task<int> call = any(1, Cancellation);
        TaskMessage task = await broker.NextAsync();

        await client.DisposeAsync();

        Assert.Contains($"The client was disposed before the task any ({task.Id}) had a result.",
            (await Assert.ThrowsAsync<ObjectDisposedException>(() => call)).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => any(2, Cancellation));
    }

    [Fact]
    public async Task AResultThatIsTooLongIsNotRead()
    {
        var broker = new PlayedBroker();
        await using var client = new CeleryClient(broker, BrokerAddress.Parse(workers.Url));
        Task<int> call = client.Task<int, int>("any", new() { MaxValueBytes = 100 })(1, Cancellation);
        TaskMessage task = await broker.NextAsync();
        await using var link = new RedisLink(BrokerAddress.Parse(workers.Url), "broker");
        string key = $"celery-task-meta-{task.Id}";
        await link.AskAsync("SETRANGE", [key, 2 << 20, "x"], Cancellation);
        await link.AskAsync("PUBLISH", [key, "x"], Cancellation);

        Assert.Contains("Its result has 2,097,153 bytes with its state, and 1,048,676 are read (CeleryTaskOptions.MaxValueBytes).",
            (await Assert.ThrowsAsync<CeleryTaskException>(() => call)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ArgumentsAndResultsAboveTheLimitAreNamedWithTheirOption()
    {
        Func<string, CancellationToken, Task<JsonElement>> describe = celery.Task<string, JsonElement>("app.tasks.describe", new()
        {
            MaxValueBytes = 100
        });
        string result = (await Assert.ThrowsAsync<CeleryTaskException>(() => describe(new('x', 90), Cancellation))).Message;
        Assert.EndsWith("Its result has 113 bytes, and 100 are allowed (CeleryTaskOptions.MaxValueBytes). Return a reference, or raise the "
            + "limit.", result, StringComparison.Ordinal);
        string arguments = (await Assert.ThrowsAsync<CeleryTaskException>(() => describe(new('x', 99), Cancellation))).Message;
        Assert.Equal("The arguments for the task app.tasks.describe have 101 bytes, and 100 are allowed (CeleryTaskOptions.MaxValueBytes). "
            + "Send a reference, or raise the limit.", arguments);
    }

    [Fact]
    public void ResultsComeByRedisOnly() => Assert.Contains("Results come by Redis only.",
        Assert.Throws<ArgumentException>(() => new CeleryClient("amqp://localhost//")).Message, StringComparison.Ordinal);

    private async Task<CeleryTaskException> FailAsync<TIn>(string name, TIn value, CeleryTaskOptions? options = null)
        => await Assert.ThrowsAsync<CeleryTaskException>(() => celery.Task<TIn, int>(name, options)(value, Cancellation));

    private sealed record Described(string Name, int Size);
}
