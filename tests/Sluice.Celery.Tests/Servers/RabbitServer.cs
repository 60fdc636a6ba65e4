namespace Sluice.Celery.Tests;

/// <summary>A RabbitMQ node on free ports of the loopback address, with a folder, a cookie and an epmd of its own.</summary>
internal sealed class RabbitServer : IAsyncDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("sluice-rabbit-").FullName;
    private readonly int mapper = FreePort.Next();
    private int distribution;
    private OwnedProcess? epmd, node;

    public int Port { get; private set; }

    public string Url => $"amqp://guest:guest@127.0.0.1:{Port}//";

    public static async Task<RabbitServer> StartAsync()
    {
        var server = new RabbitServer();
        server.epmd = await OwnedProcess.StartAsync(server.directory, new Dictionary<string, string>(), "epmd", "-port", $"{server.mapper}",
            "-address", "127.0.0.1");
        // A client of another program may have got one of the ports before the node listens: the node ends, and others are tried.
        for (int tries = 1; ; tries++)
        {
            await server.ConfigureAsync();
            try
            {
                await server.StartAgainAsync();
                return server;
            }
            catch (InvalidOperationException ended) when (tries < 3)
            {
                TestContext.Current.SendDiagnosticMessage("A RabbitMQ node did not start: {0}", ended.Message);
                await server.KillAsync();
            }
        }
    }

    private async Task ConfigureAsync()
    {
        (Port, distribution) = (FreePort.Next(), FreePort.Next());
        await File.WriteAllTextAsync(Path.Combine(directory, "rabbitmq.conf"), $"""
            listeners.tcp.default = 127.0.0.1:{Port}
            log.console = true
            log.console.level = info
            log.file = false
            vm_memory_high_watermark.absolute = 1GB
            disk_free_limit.absolute = 1MB
            """);
    }

    /// <summary>Starts the node again over its data.</summary>
    public async Task StartAgainAsync()
    {
        node = await OwnedProcess.StartAsync(directory, Environment(), "/usr/lib/rabbitmq/bin/rabbitmq-server");
        await node.SaysAsync("Server startup complete");
    }

    /// <summary>Runs <c>rabbitmqctl</c>.</summary>
    public async Task ControlAsync(params string[] arguments)
    {
        await using OwnedProcess command = await OwnedProcess.StartAsync(directory, Environment(),
            ["sh", "-c", "/usr/lib/rabbitmq/bin/rabbitmqctl \"$@\"; echo code $?", "sh", .. arguments]);
        await command.SaysAsync("code 0");
    }

    /// <summary>Kills the node, as <c>kill -9</c> does.</summary>
    public async Task KillAsync()
    {
        if (node is { } running) await running.DisposeAsync();
        node = null;
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        if (epmd is { } mapped) await mapped.DisposeAsync();
        Directory.Delete(directory, recursive: true);
    }

    private Dictionary<string, string> Environment() => new()
    {
        ["HOME"] = directory,
        ["RABBITMQ_NODENAME"] = $"sluice{Port}@localhost",
        ["RABBITMQ_CONFIG_FILE"] = Path.Combine(directory, "rabbitmq"),
        ["RABBITMQ_CONF_ENV_FILE"] = Path.Combine(directory, "none"),
        ["RABBITMQ_MNESIA_BASE"] = directory,
        ["RABBITMQ_LOG_BASE"] = directory,
        ["RABBITMQ_LOGS"] = "-",
        ["RABBITMQ_ENABLED_PLUGINS_FILE"] = Path.Combine(directory, "plugins"),
        ["RABBITMQ_PID_FILE"] = Path.Combine(directory, "pid"),
        ["RABBITMQ_DIST_PORT"] = $"{distribution}",
        ["ERL_EPMD_PORT"] = $"{mapper}",
        ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
        ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1}",
    };
}
