using System.Diagnostics;

namespace Sluice.Tests.Producers;

/// <summary>Entries of directories that cannot be read do not keep the source from the logs beside them.</summary>
[StartsProcesses]
public sealed class OddEntriesTests
{
    /// <summary>A directory that a scan lists and cannot open hides no others. One whose name is no UTF-8 is like one that was deleted
    /// between the two.</summary>
    [Theory]
    [InlineData("**/*.log")]
    [InlineData("*/*.log")]
    public async Task ADirectoryThatIsGoneWhenItIsOpenedHidesNoOthers(string path)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() || OperatingSystem.IsMacOS(), "Names of files are always valid text here.");
        await using var lab = new LogLab();
        lab.Write("a/app.log", "a\n");
        lab.Write("z/app.log", "z\n");
        await ShellAsync(lab, @"mkdir ""$(printf 'b\351')"" && echo lost > ""$(printf 'b\351')/app.log""");
        await lab.AcceptAsync(lab.Lines(path));
        lab.Write("z/app.log", "zz\n");
        await lab.AcceptAsync(lab.Lines(path));
        Assert.Equal(["a", "z", "zz"], (await lab.AcceptedAsync()).Lines);
        await ShellAsync(lab, @"rm -r ""$(printf 'b\351')""");
    }

    /// <summary>The opening of a pipe waits until a program opens it to write.</summary>
    [Theory]
    [InlineData("*.log", "a.log")]
    [InlineData("app.log", "app.log.1")]
    public async Task APipeBesideALogIsNotOpened(string path, string pipe)
    {
        if (OperatingSystem.IsWindows()) return;
        await using var lab = new LogLab();
        lab.Write("app.log", "a\n");
        await ShellAsync(lab, $"mkfifo {pipe}");
        Task accepted = Task.Run(() => lab.AcceptAsync(lab.Lines(path)), TestContext.Current.CancellationToken);
        try
        {
            await accepted.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
            lab.Write("app.log", "b\n");
            await lab.AcceptAsync(lab.Lines(path));
        }
        finally
        {
            // An opening that waits for a writer ends.
            using FileStream writer = new(lab.At(pipe), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            await accepted.ContinueWith(static ended => _ = ended.Exception, TaskScheduler.Default);
        }
        Assert.Equal(["a", "b"], (await lab.AcceptedAsync()).Lines);
    }

    private static async Task ShellAsync(LogLab lab, string command)
    {
        if (OperatingSystem.IsWindows()) return;
        using var shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command]) { WorkingDirectory = lab.Root })!;
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, shell.ExitCode);
    }
}
