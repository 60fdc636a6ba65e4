using System.Globalization;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>Payloads, headers, keys, nodes and errors of any bytes and characters: pages show all of them as text.</summary>
public sealed class LetterFuzzTests : IAsyncDisposable
{
    private const string Page = "/consecutors/orders/dead";

    private readonly MemoryStreamStore store = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task AnythingIsShownAsText(int seed)
    {
        var random = new Random(seed);
        Letter[] letters = [.. Enumerable.Range(0, 100).Select(_ => new Letter("", Text(random), Text(random), Key: Text(random),
            Bytes: Bytes(random), Headers: random.Next(2) == 0 ? Bytes(random) : null))];
        await new Letters(store).AddAsync(letters);
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = store }
        });
        using Viewer viewer = program.NewViewer();
        foreach (string page in (string[])["", "/consecutors/orders", Page, Page + "?by=error"]) await CheckAsync(viewer, page);
        for (int number = 1; number <= letters.Length; number++)
        {
            Letter one = letters[number - 1];
            await CheckAsync(viewer, $"{Page}/{number}");
            await CheckAsync(viewer, $"{Page}?node={Query(one.Node)}&error={Query(one.Error)}&key={Query(one.Key!)}"
                + $"&text={Query(one.Node)}");
            await CheckAsync(viewer, $"/consecutors/orders/state?key={Query(one.Key!)}");
        }
        Assert.Equal(HttpStatusCode.OK, (await viewer.GetAsync(Page + ".jsonl")).Status);
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static async Task CheckAsync(Viewer viewer, string page)
    {
        Answer answer = await viewer.GetAsync(page);
        Assert.Equal((page, HttpStatusCode.OK), (page, answer.Status));
        Assert.Equal((page, 2), (page, answer.Text.Split("<script").Length));
        Assert.DoesNotContain("<attack", answer.Text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("\"attack", answer.Text, StringComparison.OrdinalIgnoreCase);
        char odd = answer.Text.FirstOrDefault(static c => c is not ('\n' or '\r' or '\t') && char.GetUnicodeCategory(c)
            is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
        Assert.True(odd == 0, $"{page} has the character U+{(int)odd:x4}.");
    }

    // An address holds no half of a pair.
    private static string Query(string text) => Uri.EscapeDataString(string.Concat(text.Where(static c => !char.IsSurrogate(c))));

    private static string Text(Random random)
    {
        string[] pieces = ["<attack>", "\"attack=\"", "'", "</pre>", "</textarea>", "&lt;", "\u0000", "\u202E", "\u2028", "\n", "\r\n",
            "é", "\uD83D", "\uDE00", "😀", "]]>", "<!--", "{{", "%", "~1", "\u007f", "\ufeff", " ", "7"];
        return string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => random.Next(3) == 0
            ? ((char)random.Next(0x10000)).ToString() : pieces[random.Next(pieces.Length)]));
    }

    private static byte[] Bytes(Random random)
    {
        if (random.Next(2) == 0) return System.Text.Encoding.UTF8.GetBytes($"{{\"a\":\"{Text(random)}\",\"b\":[1,{Text(random)}]}}");
        byte[] bytes = new byte[random.Next(2000)];
        random.NextBytes(bytes);
        return bytes;
    }
}
