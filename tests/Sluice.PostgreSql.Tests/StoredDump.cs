using System.Diagnostics;
using System.IO.Compression;

namespace Sluice.PostgreSql.Tests;

/// <summary>A store as <c>pg_dump</c> writes it: the statements that make its tables and rows, in the schema <c>history</c>.</summary>
internal static class StoredDump
{
    public const string Schema = "history";

    private static readonly string Programs = Directory.GetDirectories("/usr/lib/postgresql").OrderDescending().First() + "/bin";

    /// <summary>The dump of a version, as text.</summary>
    public static async Task<string> ReadAsync(string name)
    {
        await using FileStream packed = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "Stores", $"{name}.sql.gz"));
        await using var unpacked = new GZipStream(packed, CompressionMode.Decompress);
        using var reader = new StreamReader(unpacked);
        return await reader.ReadToEndAsync();
    }

    /// <summary>Writes a dump to a file of its own, which must not exist.</summary>
    public static async Task WriteAsync(string dump, string path)
    {
        await using var packed = new GZipStream(new FileStream(path, FileMode.CreateNew), CompressionLevel.SmallestSize);
        await using var writer = new StreamWriter(packed);
        await writer.WriteAsync(dump);
    }

    public static Task<string> DumpAsync(int port, string database)
        => RunAsync(port, "", "pg_dump", "--no-owner", "--no-privileges", $"--schema={Schema}", database);

    public static Task RestoreAsync(int port, string database, string dump)
        => RunAsync(port, dump, "psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", database);

    private static async Task<string> RunAsync(int port, string input, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo($"{Programs}/{program}", ["--host=127.0.0.1", $"--port={port}", "--username=sluice", .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["PGPASSWORD"] = "secret" },
        };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {await errors}");
        return await output;
    }
}
