using System.Diagnostics;

namespace Sluice.PostgreSql.Tests;

/// <summary>A PgBouncer in transaction mode before a server, on a free port of localhost. It ends with this process.</summary>
internal sealed class PgBouncer : IAsyncDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("sluice-pgbouncer-").FullName;
    private readonly int port = FreePort.Next();
    private Process? process;

    public string Address => $"Host=127.0.0.1;Port={port};Database=sluice;Username=sluice;Password=secret";

    public static async Task<PgBouncer> StartAsync(int serverPort)
    {
        var bouncer = new PgBouncer();
        string users = Path.Combine(bouncer.directory, "users.txt"), settings = Path.Combine(bouncer.directory, "pgbouncer.ini");
        await File.WriteAllTextAsync(users, "\"sluice\" \"secret\"\n");
        await File.WriteAllTextAsync(settings, $"""
            [databases]
            * = host=127.0.0.1 port={serverPort}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {bouncer.port}
            unix_socket_dir =
            auth_type = scram-sha-256
            auth_file = {users}
            pool_mode = transaction
            default_pool_size = 10
            max_client_conn = 500

            """);
        await PostgresServer.RunAsync("chmod", "-R", "a+rX", bouncer.directory);
        // The shell kills it when this process has gone, and with it the other end of the input.
        const string Shell = """
            exec 3<&0
            "$@" & bouncer=$!
            { cat <&3; kill -9 $bouncer; } >/dev/null 2>&1 & watch=$!
            wait $bouncer
            kill $watch
            """;
        var start = new ProcessStartInfo("sh")
        { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])["-c", Shell, "sh", .. PostgresServer.AsPostgres, "/usr/sbin/pgbouncer", settings])
            start.ArgumentList.Add(argument);
        bouncer.process = Process.Start(start)!;
        _ = bouncer.process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
        var said = new List<string>();
        while (await bouncer.process.StandardError.ReadLineAsync() is { } line)
        {
            said.Add(line);
            if (!line.Contains("process up", StringComparison.Ordinal)) continue;
            _ = bouncer.process.StandardError.BaseStream.CopyToAsync(Stream.Null);
            return bouncer;
        }
        throw new InvalidOperationException($"pgbouncer did not start:\n{string.Join('\n', said)}");
    }

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
        {
            process.StandardInput.Close();
            await process.WaitForExitAsync();
            process.Dispose();
        }
        Directory.Delete(directory, recursive: true);
    }
}
