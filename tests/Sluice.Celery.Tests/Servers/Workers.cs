namespace Sluice.Celery.Tests;

/// <summary>A broker, and a worker that reads its queue <c>sluice</c>.</summary>
public abstract class Workers : IAsyncLifetime
{
    public string Url { get; private set; } = "";

    /// <summary>What a warning says of a queue with one task that nobody reads.</summary>
    public abstract string NoWorker { get; }

    /// <summary>The address with a wrong password.</summary>
    public abstract string WrongUrl { get; }

    /// <summary>Whether the tasks of a killed worker go to another one at once.</summary>
    public abstract bool RedeliversAtOnce { get; }

    /// <summary>Kills the broker.</summary>
    public abstract Task KillBrokerAsync();

    /// <summary>Starts the broker again, over its data.</summary>
    public abstract Task StartBrokerAsync();

    /// <summary>The ids of the tasks in a queue, the first one first.</summary>
    public abstract Task<string[]> TasksAsync(string queue);

    internal CeleryWorker Worker { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Url = await StartAsync();
        Worker = await CeleryWorker.StartAsync(Url, "sluice,celery", Url.StartsWith("redis", StringComparison.Ordinal)
            ? new Dictionary<string, string> { ["BACKEND"] = Url } : null);
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (Worker is not null) await Worker.DisposeAsync();
        await StopAsync();
    }

    protected abstract Task<string> StartAsync();

    protected abstract ValueTask StopAsync();
}

public sealed class RedisWorkers : Workers
{
    private RedisServer? server;

    public override string NoWorker => "the queue has 1 task";

    public override string WrongUrl => Url.Replace("hunter2", "hunter3", StringComparison.Ordinal);

    public override bool RedeliversAtOnce => false;

    public override Task KillBrokerAsync() => server!.KillAsync();

    public override Task StartBrokerAsync() => server!.StartAgainAsync();

    public override async Task<string[]> TasksAsync(string queue)
    {
        await using var link = new RedisLink(BrokerAddress.Parse(Url), "broker");
        var found = (StackExchange.Redis.RedisValue[])(await link.AskAsync("LRANGE", [queue, 0, -1], Lab.Cancellation))!;
        return [.. found.Reverse().Select(static one => System.Text.Json.JsonDocument.Parse((string)one!).RootElement
            .GetProperty("headers").GetProperty("id").GetString()!)];
    }

    protected override async Task<string> StartAsync()
    {
        server = await RedisServer.StartAsync("--requirepass", "hunter2");
        return $"redis://:hunter2@127.0.0.1:{server.Port}/1";
    }

    protected override ValueTask StopAsync() => server is null ? default : server.DisposeAsync();
}

public sealed class RabbitWorkers : Workers
{
    private RabbitServer? server;

    internal RabbitServer Server => server!;

    public override string NoWorker => "no worker reads the queue, which has 1 task";

    public override string WrongUrl => Url.Replace("guest:guest", "guest:hunter3", StringComparison.Ordinal);

    public override bool RedeliversAtOnce => true;

    public override Task KillBrokerAsync() => server!.KillAsync();

    public override Task StartBrokerAsync() => server!.StartAgainAsync();

    public override async Task<string[]> TasksAsync(string queue)
    {
        var factory = new RabbitMQ.Client.ConnectionFactory { Uri = new(server!.Url.TrimEnd('/') + "/%2f") };
        await using RabbitMQ.Client.IConnection connection = await factory.CreateConnectionAsync();
        await using RabbitMQ.Client.IChannel channel = await connection.CreateChannelAsync();
        List<string> found = [];
        while (await channel.BasicGetAsync(queue, autoAck: false) is { } got) found.Add(got.BasicProperties.CorrelationId!);
        return [.. found];                           // closing the channel gives them back
    }

    protected override async Task<string> StartAsync()
    {
        server = await RabbitServer.StartAsync();
        return server.Url;
    }

    protected override ValueTask StopAsync() => server is null ? default : server.DisposeAsync();
}
