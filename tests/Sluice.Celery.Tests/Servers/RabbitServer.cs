using System.Net;
using System.Net.Sockets;

namespace Sluice.Celery.Tests;

/// <summary>A RabbitMQ node on free ports of the loopback address, with a folder, a cookie and an epmd of its own.</summary>
internal sealed class RabbitServer : IAsyncDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("sluice-rabbit-").FullName;
    private readonly int distribution = FreePort(), mapper = FreePort();
    private OwnedProcess? epmd, node;

    public int Port { get; } = FreePort();

    public string Url => $"amqp://guest:guest@127.0.0.1:{Port}//";

    public static async Task<RabbitServer> StartAsync()
    {
        var server = new RabbitServer();
        await File.WriteAllTextAsync(Path.Combine(server.directory, "rabbitmq.conf"), $"""
            listeners.tcp.default = 127.0.0.1:{server.Port}
            log.console = true
            log.console.level = info
            log.file = false
            vm_memory_high_watermark.absolute = 1GB
            disk_free_limit.absolute = 1MB
            """);
        server.epmd = await OwnedProcess.StartAsync(server.directory, new Dictionary<string, string>(), "epmd", "-port", $"{server.mapper}",
            "-address", "127.0.0.1");
        await server.StartAgainAsync();
        return server;
    }

    /// <summary>Starts the node again over its data.</summary>
    public async Task StartAgainAsync()
    {
        node = await OwnedProcess.StartAsync(directory, new Dictionary<string, string>
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
        }, "/usr/lib/rabbitmq/bin/rabbitmq-server");
        await node.SaysAsync("Server startup complete");
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

    // Not an ephemeral port (from 32768), which a client could get.
    internal static int FreePort()
    {
        while (true)
        {
            int port = Random.Shared.Next(20_000, 32_000);
            using var probe = new TcpListener(IPAddress.Loopback, port);
            try
            {
                probe.Start();
                return port;
            }
            catch (SocketException)
            {
                // in use
            }
        }
    }
}
