using System.Diagnostics;
using Sluice.PostgreSql.Tests;

namespace Sluice.Torture;

/// <summary>A PostgreSQL server whose disk is small: it is filled, and freed again. Only root can mount such a disk.</summary>
internal sealed class PostgresDisk : IAsyncDisposable
{
    private const string Size = "size=160m";

    private PostgresDisk(PostgresServer server) => Server = server;

    public PostgresServer Server { get; }

    private string Filler => Path.Combine(Server.Place, "filler");

    public static async Task<PostgresDisk> StartAsync(params string[] settings)
        => new(await PostgresServer.StartAsync(static place => Run("mount", "-t", "tmpfs", "-o", Size, "sluice", place),
            ["min_wal_size=32MB", "max_wal_size=48MB", .. settings]));

    /// <summary>Writes until there is no room.</summary>
    public async Task FillAsync()
    {
        await using FileStream file = new(Filler, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        // The last pages as well.
        for (int length = 1 << 20; length >= 512; length /= 2)
            try
            {
                while (true) await file.WriteAsync(new byte[length]);
            }
            catch (IOException)
            {
                // full
            }
    }

    /// <summary>Makes room. A server that could not write its log has ended, and is started again.</summary>
    public async Task FreeAsync()
    {
        File.Delete(Filler);
        if (!Server.HasEnded) return;
        await Server.KillAsync();                    // forgets the process
        await Server.StartAgainAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Server.KillAsync();
        Run("umount", "--lazy", Server.Place);
        await Server.DisposeAsync();
    }

    private static void Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program}: {error}");
    }
}
