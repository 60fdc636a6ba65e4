namespace Sluice.Tests.Producers;

public sealed class OverwrittenFilesTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("inbox-");

    public void Dispose() => directory.Delete(recursive: true);

    /// <summary>The files of each day have the names of the day before.</summary>
    [Fact]
    public async Task FilesThatAreOverwrittenUnderTheirNamesAreReportedByTheNextRun()
    {
        List<string> told = [];
        Source<string> files = Source.ResumableFiles("in", directory.FullName,
            new() { QuietDuration = TimeSpan.Zero, OnWarning = told.Add });
        foreach (string name in (string[])["a", "b", "c", "d", "e"]) Write(name, DateTime.UtcNow - TimeSpan.FromDays(2));
        await using var intake = new Intake();
        await intake.AcceptAsync(files);
        await intake.AcceptAsync(files);
        Assert.Empty(told);
        File.SetLastWriteTimeUtc(Path.Combine(directory.FullName, ".in.taken"), DateTime.UtcNow - TimeSpan.FromDays(1));
        foreach (string name in (string[])["e", "d", "b", "a", "f"]) Write(name, DateTime.UtcNow - TimeSpan.FromHours(1));
        await intake.AcceptAsync(files);
        Assert.Equal($"The producer 'in' has taken a, b, d and 1 more before, and they were written since, in {directory.FullName}: what "
            + "is new in them is not read. A file is taken once, by its name. Give new content a name of its own; use "
            + "Source.ResumableLines for a file that grows.", Assert.Single(told));
        await intake.AcceptAsync(files);
        Assert.Single(told);                         // said once for each change
        Assert.Equal(6, (await intake.AcceptedAsync()).Length);
    }

    private void Write(string name, DateTime written)
    {
        string path = Path.Combine(directory.FullName, name);
        File.WriteAllText(path, name);
        File.SetLastWriteTimeUtc(path, written);
    }
}
