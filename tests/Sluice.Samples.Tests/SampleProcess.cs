using System.Diagnostics;
using System.Text;
using System.Threading.Channels;

namespace Sluice.Samples.Tests;

/// <summary>A sample as a child process, started from its build output.</summary>
internal sealed class SampleProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly Process process;
    private readonly Task<string> errors;
    private readonly Channel<string> errorLines = Channel.CreateUnbounded<string>();
    private readonly StringBuilder output = new();
    private readonly TimeSpan limit;
    private readonly CancellationTokenSource patience;
    private readonly CancellationTokenRegistration killer;

    private SampleProcess(Process process, TimeSpan limit)
    {
        (this.process, this.limit) = (process, limit);
        patience = new CancellationTokenSource(limit);
        errors = ReadErrorsAsync();
        killer = patience.Token.Register(() => process.Kill(entireProcessTree: true));
    }

    /// <summary>The build output of a sample, in the configuration of this test project.</summary>
    public static string DirectoryOf(string sample)
    {
        var own = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd('/'));
        return Path.Combine(own.Parent!.Parent!.FullName, sample, own.Name);
    }

    /// <summary>The command line that starts the sample in a shell.</summary>
    public static string CommandLine(string sample, IEnumerable<string> arguments)
        => string.Join(' ', new[] { Dotnet, Path.Combine(DirectoryOf(sample), sample + ".dll") }.Concat(arguments)
            .Select(argument => $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'"));

    public static SampleProcess Start(string sample, string directory, params string[] arguments)
        => StartProgram(directory, Dotnet, [Path.Combine(DirectoryOf(sample), sample + ".dll"), .. arguments]);

    /// <summary>Starts any program and captures its output. Ctrl+C works in it even if the parent of this process ignores it.</summary>
    public static SampleProcess StartProgram(string directory, string program, params string[] arguments)
        => StartProgram(Patience, directory, program, arguments);

    /// <summary>Starts a program that takes long on a busy machine.</summary>
    public static SampleProcess StartProgram(TimeSpan limit, string directory, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo("env", ["--default-signal=INT,HUP", program, .. arguments])
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return new SampleProcess(process, limit);
    }

    /// <summary>The program that starts .NET.</summary>
    public static string Dotnet => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

    /// <summary>Reads output until a line satisfies the condition.</summary>
    public async Task<string> ReadUntilAsync(Predicate<string> condition)
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            output.AppendLine(line);
            if (condition(line)) return line;
        }

        throw new InvalidOperationException($"The process ended without the line waited for.\n{output}\n{await errors}");
    }

    /// <summary>Waits until the error output contains a text, in a line after the one that was returned last.</summary>
    public async Task<string> ReadErrorAsync(string part)
    {
        await foreach (string line in errorLines.Reader.ReadAllAsync())
            if (line.Contains(part, StringComparison.Ordinal)) return line;
        throw new InvalidOperationException($"The process ended without saying \"{part}\".\n{output}\n{await errors}");
    }

    public bool HasExited => process.HasExited;

    /// <summary>The process id.</summary>
    public int Id => process.Id;

    /// <summary>The ids of the child processes of a process. A thread that ends meanwhile hands its children to another one.</summary>
    public static string[] ChildrenOf(int process)
    {
        HashSet<string> children = new(StringComparer.Ordinal);
        foreach (string thread in Directory.GetDirectories($"/proc/{process}/task"))
        {
            try
            {
                children.UnionWith(File.ReadAllText($"{thread}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries));
            }
            catch (IOException)
            {
                // The thread has ended.
            }
        }
        return [.. children];
    }

    /// <summary>Kills it at once. On a busy machine, a program that sends the signal would be too late.</summary>
    public void Kill() => process.Kill();

    public async Task SignalAsync(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", $"{process.Id}"]);
        await kill.WaitForExitAsync();
    }

    public async Task<Ended> EndAsync()
    {
        output.Append(await process.StandardOutput.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.False(patience.IsCancellationRequested, $"Killed after {limit}.\n{output}");
        return new Ended(process.ExitCode, output.ToString(), await errors);
    }

    private async Task<string> ReadErrorsAsync()
    {
        // Reads the output exactly: the line end of the last line matters.
        var all = new StringBuilder();
        int told = 0;
        var buffer = new char[4096];
        while (await process.StandardError.ReadAsync(buffer) is > 0 and var count)
        {
            all.Append(buffer, 0, count);
            string text = all.ToString();
            for (int end; (end = text.IndexOf('\n', told)) >= 0; told = end + 1) errorLines.Writer.TryWrite(text[told..end]);
        }
        errorLines.Writer.Complete();
        return all.ToString();
    }

    public void Dispose()
    {
        killer.Dispose();
        patience.Dispose();
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        process.Dispose();
    }
}

/// <summary>The exit code and the output of a process.</summary>
internal sealed record Ended(int ExitCode, string Output, string Errors)
{
    /// <summary>Asserts a mistake of the user: the exit code, one error line, and no stack trace.</summary>
    public string OneErrorLine(int exitCode, string program = "airports")
    {
        Assert.True(ExitCode == exitCode, $"exit code {ExitCode}, not {exitCode}\n{Output}\n{Errors}");
        Assert.DoesNotContain("   at ", Errors + Output, StringComparison.Ordinal);
        Assert.EndsWith("\n", Errors, StringComparison.Ordinal);
        var line = Errors[..^1];
        Assert.DoesNotContain("\n", line, StringComparison.Ordinal);
        Assert.StartsWith($"{program}: ", line, StringComparison.Ordinal);
        return line;
    }

    public Ended Succeeded()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}\n{Output}\n{Errors}");
        Assert.Equal("", Errors);
        return this;
    }

    /// <summary>Asserts success of a program some of whose items fail: it warns of that, and of nothing else.</summary>
    public Ended SucceededWithFailedItems()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}\n{Output}\n{Errors}");
        Assert.All(Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            static line => Assert.StartsWith("sluice: warning: An item of the consecutor ", line, StringComparison.Ordinal));
        return this;
    }
}
