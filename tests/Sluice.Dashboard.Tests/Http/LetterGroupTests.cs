using Sluice.Dashboard.Pages;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>Dead letters by error: what went wrong how often, and the way to those letters.</summary>
public sealed class LetterGroupTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    [Fact]
    public async Task LettersWhoseErrorsDifferInNumbersAndQuotedTextsAreOneGroupThatLeadsToThem()
    {
        await new Letters(store).AddAsync([
            .. Enumerable.Range(0, 30).Select(static i => new Letter($"a{i}", "Save",
                $"TimeoutException: no answer in {i} ms from 'db-{i}'\n at")),
            .. Enumerable.Range(0, 7).Select(static i => new Letter($"b{i}", "Check", $"FormatException: \"{i}\" <b>is</b> no good")),
            new Letter("c", "Check", "TimeoutException: no answer in 5 ms"), new Letter("d", "Check", "7")]);
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options());
        using Viewer viewer = program.NewViewer();
        string page = (await viewer.GetAsync("/consecutors/orders/dead?by=error")).Text;
        Assert.Equal([30, 7, 1, 1], Counts(page));
        Assert.Contains("FormatException: &quot;0&quot; &lt;b&gt;is&lt;/b&gt; no good", page, StringComparison.Ordinal);
        Assert.Contains(">Redrive all…</button>", page, StringComparison.Ordinal);

        string link = WebUtility.HtmlDecode(page.Split("<a href=\"/sluice").First(static part
            => part.StartsWith("/consecutors/orders/dead?node=Save", StringComparison.Ordinal)).Split('"')[0]);
        string some = (await viewer.GetAsync(link)).Text;
        Assert.Equal(30, some.Split("<code>a").Length - 1);
        Assert.DoesNotContain("<code>c", some, StringComparison.Ordinal);
        Assert.Contains(">Redrive those of the filter…</button>", some, StringComparison.Ordinal);
        string ofNode = (await viewer.GetAsync("/consecutors/orders/dead?by=error&node=Check")).Text;
        Assert.Equal([7, 1, 1], Counts(ofNode));
    }

    /// <summary>What is shown of an error is shortened, and may end within a quoted text.</summary>
    [Theory]
    [InlineData("has no place in the row of the table")]
    [InlineData("'{0} of the list of many rows' is no row")]
    public async Task LettersWithLongErrorsAreOneGroupThatLeadsToThem(string end)
    {
        string begin = string.Concat(Enumerable.Repeat("7 a ", 71));
        await new Letters(store).AddAsync(Enumerable.Range(0, 5).Select(i => new Letter($"a{i}", "Save",
            begin + end.Replace("{0}", $"{(char)('a' + i)}", StringComparison.Ordinal))));
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options());
        using Viewer viewer = program.NewViewer();
        string page = (await viewer.GetAsync("/consecutors/orders/dead?by=error")).Text;
        Assert.Equal([5], Counts(page));
        string link = WebUtility.HtmlDecode(page.Split("<a href=\"/sluice").First(static part
            => part.StartsWith("/consecutors/orders/dead?node=Save", StringComparison.Ordinal)).Split('"')[0]);
        Assert.Equal(5, (await viewer.GetAsync(link)).Text.Split("<code>a").Length - 1);
    }

    /// <summary>Numbers of another length move the place where a long error is cut.</summary>
    [Theory]
    [InlineData(3000, "")]
    [InlineData(300, "of the object ")]
    public async Task LongErrorsThatDifferInNumbersOrNearTheirEndsAreOneGroup(int length, string end)
    {
        string middle = string.Concat(Enumerable.Repeat("no such row, ", length / 13));
        await new Letters(store).AddAsync(new[] { 9, 10, 100 }.Select(i => new Letter($"a{i}", "Save",
            $"waited {i} ms, {middle}{(end.Length == 0 ? "" : end + (char)('a' + (i % 7)))}")));
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options());
        using Viewer viewer = program.NewViewer();
        string page = (await viewer.GetAsync("/consecutors/orders/dead?by=error")).Text;
        Assert.Equal([3], Counts(page));
        string link = WebUtility.HtmlDecode(page.Split("<a href=\"/sluice").First(static part
            => part.StartsWith("/consecutors/orders/dead?node=Save", StringComparison.Ordinal)).Split('"')[0]);
        Assert.Equal(3, (await viewer.GetAsync(link)).Text.Split("<code>a").Length - 1);
    }

    [Fact]
    public async Task AnyErrorsHaveGroupsAndTheirNumberIsBounded()
    {
        var random = new Random(23);
        await new Letters(store).AddAsync(Enumerable.Range(0, 3000).Select(i => new Letter("x", $"Node{i % 3}",
            new string([.. Enumerable.Range(0, random.Next(40)).Select(_ => (char)random.Next(0x10000))]))));
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options());
        using Viewer viewer = program.NewViewer();
        string page = (await viewer.GetAsync("/consecutors/orders/dead?by=error")).Text;
        Assert.Equal(100, Counts(page).Length);
        Assert.Contains("The 100 most frequent groups.", page, StringComparison.Ordinal);
        foreach (string link in page.Split("<a href=\"/sluice").Where(static part => part.StartsWith("/consecutors/orders/dead?node=",
            StringComparison.Ordinal)).Take(50))
            Assert.Equal(HttpStatusCode.OK, (await viewer.GetAsync(WebUtility.HtmlDecode(link.Split('"')[0]))).Status);
    }

    [Theory]
    [InlineData("Order 17 is no good", " is no good")]
    [InlineData("12", null)]
    [InlineData("", null)]
    [InlineData("'a' b \"c\" and the rest", " and the rest")]
    [InlineData("it's", "it's")]
    [InlineData("can't find the order 'abc'", "can't find the order ")]
    [InlineData("the value N'abc' is no good", "the value N")]
    [InlineData("the orders' sum isn't 'right' here", "the orders' sum isn't ")]
    public void TheLongestPartWithoutNumbersAndQuotesIsShared(string error, string? shared)
        => Assert.Equal(shared, LetterGroups.Shared(error));

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private DashboardOptions Options() => new() { Stores = new Dictionary<string, IStreamStore> { ["main"] = store } };

    private static int[] Counts(string page) => [.. page.Split("<tr><td class=\"figures\">").Skip(1)
        .Select(static row => int.Parse(row.Split('<')[0], System.Globalization.CultureInfo.InvariantCulture))];
}
