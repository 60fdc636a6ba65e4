namespace Sluice.Packages.Tests;

/// <summary>Runs the SDK's commands.</summary>
internal static class Dotnet
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>Runs a command that succeeds, and returns its output.</summary>
    internal static async Task<string> RunAsync(string directory, string[] environment, params string[] arguments)
    {
        Ended ended = await EndAsync(directory, environment, arguments);
        Assert.True(ended.ExitCode == 0,
            $"dotnet {string.Join(' ', arguments)} ended with {ended.ExitCode}\n{ended.Output}\n{ended.Errors}");
        return ended.Output;
    }

    /// <summary>Runs a command to its end.</summary>
    internal static async Task<Ended> EndAsync(string directory, string[] environment, params string[] arguments)
    {
        using var process = Start(directory, environment, arguments);
        return await process.EndAsync();
    }

    /// <summary>Starts a command.</summary>
    /// <remarks>Servers of the build would keep the output of the command open after its end, so it starts none.</remarks>
    internal static SampleProcess Start(string directory, string[] environment, params string[] arguments)
        => SampleProcess.StartProgram(Limit, directory, "env", ["MSBUILDDISABLENODEREUSE=1", "DOTNET_CLI_USE_MSBUILD_SERVER=0",
            "UseSharedCompilation=false", "DOTNET_CLI_TELEMETRY_OPTOUT=1", "DOTNET_NOLOGO=1", .. environment, "dotnet", .. arguments]);
}
