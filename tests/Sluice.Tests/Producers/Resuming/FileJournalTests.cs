using System.Diagnostics;
using System.Text;

namespace Sluice.Tests.Producers;

/// <summary>A damaged journal of a directory is recognised, so that no file is taken twice.</summary>
[StartsProcesses]
public sealed class FileJournalTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("journal-");
    private readonly List<string> warnings = [];

    private string Journal => Path.Combine(directory.FullName, ".in.taken");

    private Source<string> Files => Source.ResumableFiles("in", directory.FullName,
        new() { QuietDuration = TimeSpan.Zero, OnWarning = warnings.Add }).Select(path => Path.GetFileName(path));

    public void Dispose()
    {
        Shell("rm -f caf*.csv");                     // .NET cannot delete a file with such a name
        directory.Delete(recursive: true);
    }

    [Fact]
    public async Task AFlippedBitInTheJournalNeverYieldsAFileTwice()
    {
        foreach (string name in (string[])["a", "b", "long name.csv", "d"]) Write(name);
        string[] taken = ["a", "b", "d", "long name.csv"];
        foreach (int accepted in (int[])[1, 3, 4])
        {
            byte[] whole = [];
            for (int at = 0; at == 0 || at < whole.Length; at++)
            {
                foreach (int bit in (int[])[0x01, 0x20, 0x80])
                {
                    File.Delete(Journal);
                    await using var intake = new Intake();
                    await intake.AcceptAsync(Files, accepted);
                    whole = await File.ReadAllBytesAsync(Journal, TestContext.Current.CancellationToken);
                    byte[] damaged = [.. whole];
                    damaged[at] ^= (byte)bit;
                    await File.WriteAllBytesAsync(Journal, damaged, TestContext.Current.CancellationToken);
                    Exception? failure = await Record.ExceptionAsync(() => intake.AcceptAsync(Files));
                    if (failure is null)
                    {
                        Assert.True(whole.AsSpan(0, at).Count((byte)'\n') >= accepted, $"{accepted} {at} {bit}");
                        Assert.Equal(taken, await intake.AcceptedAsync());
                        continue;
                    }
                    Assert.Contains(Journal, Assert.IsType<PipelineException>(failure).Message, StringComparison.Ordinal);
                    await File.WriteAllBytesAsync(Journal, whole, TestContext.Current.CancellationToken);
                    await intake.AcceptAsync(Files);
                    Assert.Equal(taken, await intake.AcceptedAsync());
                }
            }
        }
    }

    [Fact]
    public async Task AJournalErrorNamesTheFileTheLineAndTheRemedy()
    {
        foreach (string name in (string[])["a", "b", "c"]) Write(name);
        await using var intake = new Intake();
        await intake.AcceptAsync(Files);
        string text = await File.ReadAllTextAsync(Journal, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Journal, text.Replace(" b\n", " c\n", StringComparison.Ordinal),
            TestContext.Current.CancellationToken);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => intake.AcceptAsync(Files));
        Assert.Contains($"{Journal}, line 2: the checksum is wrong, so the name in this line is not the one that was written",
            failure.Message, StringComparison.Ordinal);
        Assert.Contains("write the right name into the line", failure.Message, StringComparison.Ordinal);

        await File.WriteAllTextAsync(Journal, text, TestContext.Current.CancellationToken);
        Write("d");
        await intake.AcceptAsync(Files);
        Assert.Equal(["a", "b", "c", "d"], await intake.AcceptedAsync());
    }

    [Fact]
    public async Task ALostMovedOrDuplicatedJournalLineIsDetected()
    {
        foreach (string name in (string[])["a", "b", "c"]) Write(name);
        await using var intake = new Intake();
        await intake.AcceptAsync(Files);
        string[] lines = await File.ReadAllLinesAsync(Journal, TestContext.Current.CancellationToken);
        foreach (string[] other in (string[][])[[lines[1], lines[2]], [lines[0], lines[2]], [lines[1], lines[0], lines[2]],
            [lines[0], lines[0], lines[1], lines[2]], [lines[0], "b", lines[2]], [lines[0], "", lines[2]]])
        {
            await File.WriteAllTextAsync(Journal, string.Concat(other.Select(line => line + "\n")), TestContext.Current.CancellationToken);
            Assert.Contains("the checksum is wrong", (await Assert.ThrowsAsync<PipelineException>(() => intake.AcceptAsync(Files))).Message,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task DamagedJournalLinesOfUnacceptedFilesAreRestored()
    {
        foreach (string name in (string[])["a", "b", "c", "d"]) Write(name);
        Func<string, string>[] damages =
        [
            text => text[..^1], text => text[..^3], text => text.Replace(" c\n", " x\n", StringComparison.Ordinal),
            text => text[..text.IndexOf(" c\n", StringComparison.Ordinal)] + "\0\0\0\0\n",
        ];
        foreach (Func<string, string> damage in damages)
        {
            File.Delete(Journal);
            await using var intake = new Intake();
            await intake.AcceptAsync(Files, 1);
            string text = await File.ReadAllTextAsync(Journal, TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(Journal, damage(text), TestContext.Current.CancellationToken);
            await intake.AcceptAsync(Files);
            Assert.Equal(["a", "b", "c", "d"], await intake.AcceptedAsync());
            Assert.Equal(text, await File.ReadAllTextAsync(Journal, TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task AJournalOfAnEarlierVersionIsContinued()
    {
        foreach (string name in (string[])["b", "a", "c\nd"]) Write(name);
        await File.WriteAllTextAsync(Journal, "b\na\nc/nd\n", TestContext.Current.CancellationToken);
        await using var intake = new Intake();
        await intake.AcceptAsync(Files, 2);
        Write("0");
        await intake.AcceptAsync(Files);
        Assert.Equal(["b", "a", "c\nd", "0"], await intake.AcceptedAsync());

        // The checksum of each new line covers all names before it.
        string text = await File.ReadAllTextAsync(Journal, TestContext.Current.CancellationToken);
        Assert.Matches("^b\na\nc/nd\n/[0-9a-f]{8} 0\n$", text);
        await File.WriteAllTextAsync(Journal, "x" + text[1..], TestContext.Current.CancellationToken);
        Assert.Contains(
            "line 4: the checksum is wrong, so the name in this line, or in one of the lines before it, which have no checksums,",
                (await Assert.ThrowsAsync<PipelineException>(() => intake.AcceptAsync(Files))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFileWhoseNameIsInvalidUtf8IsSkippedWithAWarning()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() || OperatingSystem.IsMacOS(), "Names of files are always valid text here.");
        Write("a");
        Write("b\uFFFD");                                                                     // valid text that contains U+FFFD
        Shell(@": > ""$(printf 'caf\351\001.csv')""");
        Assert.Equal(3, directory.GetFiles().Length);
        await using var intake = new Intake();
        await intake.AcceptAsync(Files);
        await intake.AcceptAsync(Files);
        Write("c");
        await intake.AcceptAsync(Files);
        Assert.Equal(["a", "b\uFFFD", "c"], await intake.AcceptedAsync());
        Assert.Equal(3, warnings.Count);                                                      // one in each run
        Assert.StartsWith($"The producer 'in' leaves out a file in {directory.FullName} whose name is no UTF-8: caf\\uFFFD\\u0001.csv",
            warnings[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task AHandlerOfWarningsThatThrowsEndsNothing()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() || OperatingSystem.IsMacOS(), "Names of files are always valid text here.");
        Shell(@": > ""$(printf 'caf\351.csv')""");
        Write("d");
        await using var intake = new Intake();
        await intake.AcceptAsync(Source.ResumableFiles("in", directory.FullName, new()
        {
            QuietDuration = TimeSpan.Zero,
            OnWarning = static _ => throw new IOException("No space left on device")
        }).Select(path => Path.GetFileName(path)));
        Assert.Equal(["d"], await intake.AcceptedAsync());
    }

    private void Shell(string command)
    {
        if (OperatingSystem.IsWindows()) return;
        using var shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command]) { WorkingDirectory = directory.FullName })!;
        shell.WaitForExit();
        Assert.Equal(0, shell.ExitCode);
    }

    private void Write(string name) => File.WriteAllText(Path.Combine(directory.FullName, name), name, Encoding.UTF8);
}
