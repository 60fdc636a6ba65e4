using Sluice.Tests.Delivery;

namespace Sluice.Tests.Producers;

/// <summary>
/// Logs are written, rotated, copied and truncated while the process that reads them dies again and again: every line is accepted once.
/// </summary>
public sealed class LogCrashTests
{
    [Fact]
    public Task EveryLineOfRotatedLogsIsAcceptedOnce()
        => CrashLab.PlayAllAsync(24, async (seed, _) => await new LogGame(seed, files: 3, acts: 60).PlayAsync());

    /// <summary>The process dies in the middle of the items of a line, too. All files of a log begin with one heading.</summary>
    [Theory]
    [InlineData(1, "*/app.log")]
    [InlineData(3, "*/app.log")]
    [InlineData(1, "0/app.log")]
    public Task EveryItemOfRotatedLogsThatBeginAlikeIsAcceptedOnce(int files, string path) => CrashLab.PlayAllAsync(24,
        async (seed, _) => await new LogGame(seed, files, acts: 60) { Path = path, Heading = "title", Items = 3 }.PlayAsync());

    [Long("EveryLineOfRotatedLogsIsAcceptedOnce; ARewrittenJournalIsResumedWhereverTheProcessDies")]
    [Fact]
    public Task EveryLineOfMoreFilesThanAPositionHoldsIsAcceptedOnce()
        => CrashLab.PlayAllAsync(4, async (seed, _) => await new LogGame(seed, files: 300, acts: 30).PlayAsync());

    [Fact]
    public async Task ARewrittenJournalIsResumedWhereverTheProcessDies()
    {
        for (int dieAt = 1; dieAt <= 40; dieAt++)
        {
            await using var lab = new LogLab();
            int lines = 0;
            bool died = false;
            for (int round = 0; round < 10; round++)
            {
                for (int file = 0; file < 600; file++) lab.Write($"{file}.log", $"{file}-{lines / 600}\n");
                lines += 600;
                while (await lab.LiveAsync(lab.Lines("*.log"), round == 8 && !died ? dieAt : int.MaxValue, (Moment)(dieAt % 3)))
                    died = true;
            }
            string[] accepted = (await lab.AcceptedAsync()).Lines;
            Assert.Equal(lines, accepted.Length);
            Assert.Equal(lines, accepted.Distinct().Count());
            Assert.InRange(new FileInfo(lab.At(".logs.lines")).Length, 1, 400_000);
            dieAt += died ? 6 : 40;
        }
    }

    [Fact]
    public async Task ADamagedJournalIsRefused()
    {
        await using var lab = new LogLab();
        for (int file = 0; file < 100; file++) lab.Write($"{file}.log", "a\n");
        await lab.AcceptAsync(lab.Lines("*.log"));
        byte[] bytes = await File.ReadAllBytesAsync(lab.At(".logs.lines"), TestContext.Current.CancellationToken);
        foreach (int at in (int[])[9, 20, bytes.Length - 3])
        {
            await File.WriteAllBytesAsync(lab.At(".logs.lines"), [.. bytes[..at], (byte)(bytes[at] ^ 4), .. bytes[(at + 1)..]],
                TestContext.Current.CancellationToken);
            var failure = await Assert.ThrowsAsync<PipelineException>(() => lab.AcceptAsync(lab.Lines("*.log")));
            Assert.Contains("is not the journal by which lines of many files were accepted before", failure.Message,
                StringComparison.Ordinal);
        }
        await File.WriteAllBytesAsync(lab.At(".logs.lines"), bytes, TestContext.Current.CancellationToken);
        await lab.AcceptAsync(lab.Lines("*.log"));
        Assert.Equal(100, (await lab.AcceptedAsync()).Lines.Length);
    }

    /// <summary>Programs that write logs, and lives of a process that reads them; all at random.</summary>
    private sealed class LogGame(int seed, int files, int acts)
    {
        private readonly Random random = new(seed);
        private readonly List<string>[] written = [.. Enumerable.Range(0, files).Select(static _ => new List<string>())];
        private readonly bool[] isOpen = new bool[files];
        private readonly int[] lines = new int[files];               // of the present files, without the heading
        private readonly HashSet<string> bad = [];

        public string Path { get; init; } = "*/app.log";

        /// <summary>The first line of each file; null for none.</summary>
        public string? Heading { get; init; }

        /// <summary>How many items become of a line.</summary>
        public int Items { get; init; } = 1;

        public async Task PlayAsync()
        {
            await using var lab = new LogLab { Options = new() { MaxLineLength = 5_000 }, IsSlow = Heading is not null };
            for (int file = 0; file < files; file++) Write(lab, file);
            while (await LiveAsync(lab)) { }
            for (int act = 0; act < acts; act++)
            {
                for (int i = random.Next(1, Math.Max(2, files)); i > 0; i--)
                {
                    int file = random.Next(files);
                    if (random.Next(4) > 0) Write(lab, file);
                    else if (!isOpen[file]) Rotate(lab, file);
                }
                if (random.Next(3) == 0) await LiveAsync(lab);
            }
            for (int file = 0; file < files; file++)
                if (isOpen[file]) Write(lab, file, isWhole: true);
            while (await LiveAsync(lab)) { }
            while (await LiveAsync(lab)) { }

            var (items, letters) = await lab.AcceptedAsync();
            ILookup<string, string> byFile = items.ToLookup(static line => line[..line.IndexOf(' ', StringComparison.Ordinal)]);
            for (int file = 0; file < files; file++) Assert.Equal(written[file].SelectMany(ItemsOf), byFile[$"{file}"]);
            Assert.Equal(bad.Order(), letters.Select(static letter => System.Text.Encoding.UTF8.GetString(letter.Payload.Span)).Order());
            Assert.Empty(lab.Warnings);
        }

        private async Task<bool> LiveAsync(LogLab lab)
        {
            Source<string> source = lab.Lines(Path);
            if (Items == 1) return await lab.LiveAsync(source, random.Next(1, 4 + files), (Moment)random.Next(3));
            source = source.SelectMany(ItemsOf);
            if (random.Next(2) == 0) return await lab.LiveAsync(source, random.Next(1, 4 + files), (Moment)random.Next(3));
            await lab.AcceptAsync(source, random.Next(1, 4 * Items));
            return true;
        }

        private IEnumerable<string> ItemsOf(string line) => Enumerable.Range(0, Items).Select(item => item == 0 ? line : $"{line}/{item}");

        private void Write(LogLab lab, int file, bool? isWhole = null)
        {
            string text = isOpen[file] ? "end\n" : "";
            if (isOpen[file]) written[file][^1] += "end";
            if (Heading is not null && text.Length == 0 && Length(lab, file) == 0)
            {
                written[file].Add($"{file} {Heading}");
                text = $"{file} {Heading}\n";
                if (isWhole != true && random.Next(2) == 0)
                {
                    lab.Write($"{file}/app.log", text);
                    return;
                }
            }
            for (int n = random.Next(1, 5); n > 0; n--)
            {
                bool isBad = random.Next(20) == 0;
                string line =
                    $"{(isBad ? "bad " : "")}{file} {written[file].Count}/{bad.Count}{new string('x', random.Next(8) == 0 ? random.Next(4_000) : random.Next(20))}";
                if (isBad) bad.Add(line);
                else written[file].Add(line);
                text += line + "\n";
                lines[file]++;
            }
            isOpen[file] = false;
            if (isWhole != true && random.Next(5) == 0)
            {
                string half = $"{file} {written[file].Count}";
                written[file].Add(half);
                text += half;
                isOpen[file] = true;
            }
            lab.Write($"{file}/app.log", text);
        }

        private static long Length(LogLab lab, int file)
            => new FileInfo(lab.At($"{file}", "app.log")) is { Exists: true, Length: var length } ? length : 0;

        private void Rotate(LogLab lab, int file)
        {
            // Files with nothing but one heading cannot be told apart.
            if (Heading is not null && lines[file] == 0 && Length(lab, file) > 0) return;
            lines[file] = 0;
            for (int n = 40; n > 0; n--)
                if (File.Exists(lab.At($"{file}", $"app.log.{n}"))) lab.Move($"{file}/app.log.{n}", $"{file}/app.log.{n + 1}");
            if (!File.Exists(lab.At($"{file}", "app.log"))) return;
            if (random.Next(3) == 0) lab.CopyTruncate($"{file}/app.log", $"{file}/app.log.1");
            else lab.Move($"{file}/app.log", $"{file}/app.log.1");
            if (Heading is not null && random.Next(2) == 0) lab.Write($"{file}/app.log", "");
        }
    }
}
