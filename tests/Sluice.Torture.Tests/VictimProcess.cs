using System.Diagnostics;

namespace Sluice.Torture.Tests;

/// <summary>Runs a process with a consecutor and a fault, from start to end.</summary>
internal static class VictimProcess
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    public static async Task<Report> RunAsync(string what, string where, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            [Path.Combine(AppContext.BaseDirectory, "Sluice.Programs.dll"), "consecutor", what, where])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(Patience);
        await using (patience.Token.Register(() => process.Kill(entireProcessTree: true)))
            await process.WaitForExitAsync(CancellationToken.None);
        return new(process.ExitCode, await output, await errors);
    }
}
