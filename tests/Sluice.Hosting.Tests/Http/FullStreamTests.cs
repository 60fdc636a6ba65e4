using Sluice.Storage;

namespace Sluice.Hosting.Tests.Http;

/// <summary>A full stream or a failing store gives a clear answer. No item is lost or accepted twice.</summary>
public class FullStreamTests
{
    private const string Many = "application/x-ndjson";

    private const string Whole = """{"Id":"a","Quantity":1}""";

    [Theory]
    [InlineData("memory")]
    [InlineData("sqlite")]
    public async Task AFullStreamAnswers429AndLosesNoItem(string kind)
    {
        await using var stores = new Stores(kind);
        var options = new HttpProducerOptions { Timeout = TimeSpan.Zero, RetryAfterDuration = TimeSpan.FromMilliseconds(1500) };
        await using Service service = await Service.StartAsync(await stores.OpenAsync(), options, starts: false,
            stream: new() { Partitions = 1, MaxItems = 50 });

        string[] bodies = [.. Enumerable.Range(0, 400).Select(i => $$"""{"Id":"{{i}}","Quantity":1}""")];
        HttpResponseMessage[] answers = await Task.WhenAll(
            bodies.Select((body, i) => service.PostAsync(body, i % 4 == 0 ? Many : "application/json", i % 2 == 0 ? $"key-{i}" : null)));
        HashSet<string> accepted = [.. bodies.Where((_, i) => (int)answers[i].StatusCode == 202)];
        Assert.All(answers, answer => Assert.True((int)answer.StatusCode is 202 or 429));
        Assert.All(answers.Where(answer => (int)answer.StatusCode == 429),
            answer => Assert.Equal(TimeSpan.FromSeconds(2), answer.Headers.RetryAfter!.Delta));
        Assert.InRange(accepted.Count, 1, 50 + 400 / 4); // an append of several may be the first one
        Assert.Equal(429, (int)(await service.PostAsync(bodies[0], key: "late")).StatusCode);
        Assert.Equal(429, (int)(await service.PostAsync(bodies[0])).StatusCode);

        await service.Orders.StartAsync();
        Assert.Equal(accepted, (await service.EndAsync()).Processed.Select(order => $$"""{"Id":"{{order.Id}}","Quantity":1}""")
            .ToHashSet());

        // Each refused client repeats its request with the same key.
        for (int i = 0; i < bodies.Length; i++)
        {
            while ((int)answers[i].StatusCode == 429) answers[i] = await service.PostAsync(bodies[i], i % 4 == 0 ? Many
                : "application/json", i % 2 == 0 ? $"key-{i}" : null);
            Assert.Equal(202, (int)answers[i].StatusCode);
        }
        (long total, Order[] processed) = await service.EndAsync();
        Assert.Equal(400, total);
        Assert.Equal(Enumerable.Range(0, 400).Select(i => $"{i}").Order(), processed.Select(order => order.Id!).Order());
    }

    [Theory]
    [InlineData("application/json", null)]
    [InlineData("application/json", "key")]
    [InlineData(Many, null)]
    public async Task ARequestWaitsForRoomWithinTheTimeout(string type, string? key)
    {
        await using var stores = new Stores("memory");
        await using Service service = await Service.StartAsync(await stores.OpenAsync(), new() { Timeout = TimeSpan.FromDays(1) },
            starts: false, stream: new() { Partitions = 1, MaxItems = 1 });

        Assert.Equal(202, (int)(await service.PostAsync(Whole)).StatusCode);
        Task<HttpResponseMessage> waiting = service.PostAsync(Whole, type, key);
        Assert.Equal(400, (int)(await service.PostAsync("{")).StatusCode);
        Assert.False(waiting.IsCompleted);
        await service.Orders.StartAsync();
        Assert.Equal(202, (int)(await waiting).StatusCode);
        Assert.Equal(2, (await service.EndAsync()).Accepted);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AFailingStoreAnswers503AndARetryIsAcceptedOnce(bool afterItWasDone)
    {
        await using var stores = new Stores("memory");
        int failures = 0;
        Task Fail() => failures-- > 0 ? Task.FromException(new StreamStoreException("the disk is full")) : Task.CompletedTask;
        var store = new HookedStore(await stores.OpenAsync());
        if (afterItWasDone) store.After = Fail;
        else store.Before = Fail;
        var clock = new Sluice.Testing.TestClock();
        await using Service service = await Service.StartAsync(store, time: clock);

        failures = int.MaxValue;
        Task<string> posting = IdempotencyTests.PostAsync(service, """{"Id":"a","Quantity":1}""", "key");
        while (!posting.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        // If the answer of the store was lost, a request with the same key still gets it.
        Assert.StartsWith("503", await posting);
        failures = 0;
        Assert.StartsWith("202", await IdempotencyTests.PostAsync(service, """{"Id":"a","Quantity":1}""", "key"));
        Assert.Single((await service.EndAsync()).Processed);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("key")]
    public async Task AStoreThatDoesNotAnswerIsWaitedForUntilItsTimeout(string? key)
    {
        await using var stores = new Stores("memory");
        var let = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var store = new HookedStore(await stores.OpenAsync())
        {
            Before = () =>
            {
                asked.TrySetResult();
                return let.Task;
            },
        };
        var clock = new Sluice.Testing.TestClock();
        await using Service service = await Service.StartAsync(store, new() { Timeout = TimeSpan.FromSeconds(5), Time = clock });

        Task<HttpResponseMessage> posting = service.PostAsync(Whole, key: key);
        await asked.Task;
        clock.Advance(TimeSpan.FromSeconds(19));
        Assert.Equal(400, (int)(await service.PostAsync("{")).StatusCode);     // an answer would have come before this one
        Assert.False(posting.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(1));
        HttpResponseMessage answer = await posting;
        Assert.Equal((503, true), ((int)answer.StatusCode, answer.Headers.RetryAfter is not null));
        Assert.Contains("is not known", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        let.SetResult();
        if (key is not null) Assert.Equal(202, (int)(await service.PostAsync(Whole, key: key)).StatusCode);
        Assert.Single((await service.EndAsync()).Processed);
    }

    [Fact]
    public async Task AnEndedConsecutorAnswers503()
    {
        await using var stores = new Stores("memory");
        await using Service service = await Service.StartAsync(await stores.OpenAsync());

        await service.Orders.DisposeAsync();
        HttpResponseMessage answer = await service.PostAsync(Whole);
        Assert.Equal((503, true), ((int)answer.StatusCode, answer.Headers.RetryAfter is not null));
        Assert.Equal(503, (int)(await service.PostAsync(Whole, key: "key")).StatusCode);
    }
}
