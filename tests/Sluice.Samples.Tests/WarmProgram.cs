using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;

namespace Sluice.Samples.Tests;

/// <summary>
/// Runs the command lines of a program in a process that stays for the next ones, one at a time. Most of a short command is the start of
/// .NET and the compilation of its code. The program has its own settings and works in the folder of the test. Tests of signals, terminals
/// and killed processes start a process for each command: <see cref="SampleProcess"/>.
/// </summary>
internal static class WarmProgram
{
    // Far above what a command takes, as for processes.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static readonly ConcurrentDictionary<string, ConcurrentBag<Process>> Idle = new();

    /// <summary>Runs a command line and returns what it has written.</summary>
    public static async Task<Ended> RunAsync(string program, string folder, params string[] arguments)
    {
        ConcurrentBag<Process> idle = Idle.GetOrAdd(program, static _ => []);
        Process process = idle.TryTake(out Process? free) ? free : Start(program);
        try
        {
            await process.StandardInput.WriteLineAsync(JsonSerializer.Serialize((string[])[program, folder, .. arguments]));
            await process.StandardInput.FlushAsync();
            string? answer = await process.StandardOutput.ReadLineAsync().WaitAsync(Patience);
            string command = $"{program} {string.Join(' ', arguments)}";
            if (answer is null)
                throw new InvalidOperationException($"{command} ended its process.\n{await process.StandardError.ReadToEndAsync()}");
            string[] parts = JsonSerializer.Deserialize<string[]>(answer)!;
            idle.Add(process);
            return new(int.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture), parts[1], parts[2]);
        }
        catch
        {
            process.Kill(entireProcessTree: true);
            process.Dispose();
            throw;
        }
    }

    // It ends with the input, which ends with the process of the tests.
    private static Process Start(string program)
    {
        var start = new ProcessStartInfo(SampleProcess.Dotnet, [Path.Combine(SampleProcess.DirectoryOf(program), program + ".dll")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_STARTUP_HOOKS"] = typeof(StartupHook).Assembly.Location;
        return Process.Start(start)!;
    }
}
