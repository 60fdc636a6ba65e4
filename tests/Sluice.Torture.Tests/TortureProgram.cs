using System.Diagnostics;
using System.Globalization;

namespace Sluice.Torture.Tests;

/// <summary>The torture program of consecutors, or of flows, as a child process.</summary>
internal static class TortureProgram
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    public static Task<Report> RunAsync(params string[] arguments) => RunAsync("Sluice.Torture.dll", arguments);

    public static Task<Report> RunFlowsAsync(params string[] arguments) => RunAsync("Sluice.FlowTorture.dll", arguments);

    private static async Task<Report> RunAsync(string program, string[] arguments)
    {
        string directory = AppContext.BaseDirectory;
        using Process process = Process.Start(new ProcessStartInfo(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [Path.Combine(directory, program), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(Patience);
        await using (patience.Token.Register(() => process.Kill(entireProcessTree: true)))
            await process.WaitForExitAsync(CancellationToken.None);
        return new Report(process.ExitCode, await output, await errors);
    }
}

/// <summary>The exit code and the output of a torture program.</summary>
internal sealed record Report(int ExitCode, string Output, string Errors)
{
    public long this[string name]
    {
        get
        {
            string line = Assert.Single(Output.Split('\n'), line => line.StartsWith($"{name}: ", StringComparison.Ordinal));
            return long.Parse(line.AsSpan(name.Length + 2), CultureInfo.InvariantCulture);
        }
    }

    public override string ToString() => $"exit code {ExitCode}\n{Output}\n{Errors}";

    /// <summary>No item was lost or doubled, although something was killed.</summary>
    /// <param name="atLeast">The number of items that have completed at least.</param>
    /// <param name="killsServers">Whether servers were killed, too.</param>
    public void AssertIsGood(int atLeast, bool killsServers = false)
    {
        Assert.True(ExitCode == 0, ToString());
        Assert.True(this["kills"] > 0, ToString());
        if (killsServers) Assert.True(this["killed-servers"] > 0, ToString());
        Assert.Equal((0, 0, 0), (this["lost"], this["duplicated-in-store"], this["state-mismatch"]));
        Assert.InRange(this["completed"], atLeast, this["accepted"]);
        Assert.Equal(this["accepted"], this["completed"] + this["dead"]);
    }
}
