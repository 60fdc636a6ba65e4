namespace Sluice.Generators.Tests;

public class NullItemTests
{
    private const string Members = """
        static readonly List<string> list = [];
        static readonly Dictionary<string, string> names = [];
        static string? Find(string word) => list.Find(item => item == word);
        static Task<string?> FindAsync(string word) => Task.FromResult(Find(word));
        static string Upper(string word) => word.ToUpperInvariant();
        static string OrNone(string? word) => word ?? "none";
        static IEnumerable<string> FindAll(string word) => [word];
        static readonly Pipe<string?, string> cleanup = Pipe.Of<string?>() | OrNone;
        static readonly Pipe<string, string> shout = Pipe.Of<string>() | Upper;
        static readonly Sink<string?> print = Sink.Of<string?>(word => Console.WriteLine(word));
        """;

    [Theory]
    [InlineData("_ = words | (x => x.Length > 3 ? x : [|null|]);")]
    [InlineData("_ = words | (x => list.FirstOrDefault(item => item == x));", "list.FirstOrDefault(item => item == x)")]
    [InlineData("_ = words.Select(x => [|names.GetValueOrDefault(x)|]);")]
    [InlineData("_ = words | (x => [|(object)x as Version|]);")]
    [InlineData("_ = words | (x => { if (x.Length > 3) return x; return [|null|]; });")]
    [InlineData("_ = words | (x => x switch { \"one\" => x, _ => [|default|] });")]
    [InlineData("_ = words | (x => x.Length > 3 ? x : [|Find(x)|]);")]
    [InlineData("_ = words | [|Find|];")]
    [InlineData("_ = words | [|FindAsync|] | Stage.Parallel(2) | (x => x);")]
    [InlineData("_ = words | (async x => [|await FindAsync(x)|]);")]
    [InlineData("_ = words | (x => [|FindAsync(x)|]);")]
    [InlineData("_ = Pipe.Of<string>() | (x => [|Find(x)|]);")]
    [InlineData("_ = words | [|Find|] | shout | OrNone;")]
    [InlineData("_ = words | [|Find|] | Pipe.Where((string w) => w.Length > 3) | OrNone;")]
    public Task AMapThatMayReturnNullIsReportedAtTheNull(string statements, string? mark = null) =>
        CheckAsync(mark is null ? statements : statements.Replace(mark, $"[|{mark}|]", StringComparison.Ordinal));

    [Theory]
    [InlineData("_ = words | Upper;")]
    [InlineData("_ = words | (x => Find(x) ?? x);")]
    [InlineData("_ = words | (x => Find(x)!);")]
    [InlineData("_ = words | (x => { var found = Find(x); return found is null ? x : found; });")]
    [InlineData("_ = words | FindAll;")]
    [InlineData("_ = numbers | (x => x > 1 ? x : (int?)null);")]
    [InlineData("_ = words.Where(x => Find(x) is null);")]
    [InlineData("_ = words.Do(x => Find(x));")]
    [InlineData("_ = list.Select(x => Find(x));")]
    public Task AMapThatNeverReturnsNullIsNotReported(string statements) => CheckAsync(statements);

    [Theory]
    [InlineData("_ = words | (string? (x) => Find(x));")]
    [InlineData("_ = words.Select<string, string?>(Find);")]
    [InlineData("_ = words | (x => x.Length > 3 ? x : (string?)null);")]
    public Task AnExplicitlyNullableResultIsNotReported(string statements) => CheckAsync(statements);

    [Theory]
    [InlineData("_ = words | Find | OrNone;")]
    [InlineData("_ = words | FindAsync | Stage.Parallel(2) | OrNone;")]
    [InlineData("_ = words.Select(Find).Where(found => found is not null);")]
    [InlineData("_ = words | Find | (found => found?.Length ?? 0);")]
    [InlineData("_ = words | Find | (found => found == null ? 0 : found.Length);")]
    [InlineData("_ = words | Find | Pipe.Where((string? w) => w is not null) | (x => x);")]
    [InlineData("_ = words | Find | Pipe.Where<string?>(w => w is not null) | (x => x);")]
    [InlineData("_ = words | FindAsync | Stage.Parallel(2) | cleanup | Upper;")]
    [InlineData("_ = words | Find | (Pipe.Of<string?>() | OrNone) | Upper;")]
    [InlineData("_ = words | Find | print;")]
    public Task ANullThatTheNextStageChecksIsNotReported(string statements) => CheckAsync(statements);

    [Fact]
    public Task WithoutNullableAnalysisOnlyVisibleNullsAreReported() => Snippet.CheckAsync<NullItemAnalyzer>(Snippet.InMethod("""
        _ = words | (x => x.Length > 3 ? x : [|null|]);
        _ = words | (x => [|(object)x as string|]);
        _ = words.Select<string, string>(x => [|default|]);
        _ = words | (x => list.FirstOrDefault());
        """, "static readonly List<string> list = new();"), "SLU003", nullable: false);

    private static async Task CheckAsync(string statements) =>
        await Snippet.CheckAsync<NullItemAnalyzer>(Snippet.InMethod(statements, Members), "SLU003");
}
