namespace Sluice.Generators.Tests;

/// <summary>The arguments that reach the method of a step: its own defaults, and the marked overload.</summary>
public class StepRunTests
{
    [Theory]
    [InlineData("[Step] static string GetAsync(int a = 1, IDisposable? b = null, params string[] c) => $\"{a} {b is null} {c.Length}\";",
        "Get()", "1 True 0")]
    [InlineData("[Step] static string GetAsync(int a = 1, params HashSet<int> c) => $\"{a} {c.Count}\";", "Get(c: new HashSet<int> { 5 })",
        "1 1")]
    [InlineData("[Step] static string GetAsync(int a = 1, params HashSet<int> c) => $\"{a} {c.Count}\";", "Get()", "1 0")]
    [InlineData("[Step] static string GetAsync(params List<int> a) => $\"{a.Count}\"; [Step] static string EachAsync(params "
        + "IEnumerable<string> a) => $\"{a.Count()}\"; [Step] static string ManyAsync(params "
        + "System.Collections.Immutable.ImmutableArray<int> a) => $\"{a.Length}\"; static async Task<string> InsideAsync() => await Get() "
        + "+ await Get([1, Task.FromResult(2)]) + await Each() + await Many();", "Step.Of(() => InsideAsync())()", "0200")]
    [InlineData("[Step] static string GetAsync(string id) => id + \"!\"; [Step] static int NextAsync(int? n) => n + 1 ?? 0; static async "
        + "Task<string> InsideAsync() => string.Join(' ', await Future.WhenAll(new[] { \"a\", \"b\" }.Select(Get))) + string.Join(' ', "
        + "await Future.WhenAll(new int?[] { 1, null }.Select(Next))) + await Get(Get(\"c\")) + await Get(\"d\", after: Get(\"e\"));",
        "Step.Of(() => InsideAsync())()", "a! b!2 0c!!d!")]
    [InlineData("partial class B(string b) { [Step] public Task<string> GetAsync(IDisposable? id, CancellationToken cancellation) => "
        + "Task.FromResult($\"{b}{id is null}\"); }", "Future.WhenAny(new IDisposable?[] { null }.Select(new B(\"x\").Get))", "xTrue")]
    [InlineData("static int count; [Step(Pure = 10)] static int CountAsync(string a, int[] b) => ++count; [Step(Pure = 1)] static T "
        + "SameAsync<T>(T a) { count++; return a; } static async Task<string> InsideAsync() { await using var scope = StepScope.Begin(); "
        + "return $\"{await Count(\"a\", [1, 2])}{await Count(\"a\", [1, Task.FromResult(2)])}{await Count(\"a\", [2])}{await "
        + "Count(\"b\", [2])} {await Same<int>(1)}{await Same<long>(1)}{await Same<int>(1)} {count}\"; }", "Step.Of(() => InsideAsync())()",
        "1123 111 6")]
    [InlineData("partial class B(string b) { int count; [Step(Pure = 10)] public string GetAsync() => $\"{b}{++count}\"; [Step(Pure = "
        + "10)] public string PutAsync(List<int>? a = null) => $\"{b}{++count}\"; } static async Task<string> InsideAsync() { await using "
        + "var scope = StepScope.Begin(); B one = new(\"x\"), two = new(\"y\"); return $\"{await one.Get()}{await two.Get()}{await "
        + "one.Get()} {await one.Put()}{await one.Put()}{await one.Put([3])}\"; }", "Step.Of(() => InsideAsync())()", "x1y1x1 x2x2x3")]
    [InlineData("static int drawn; [Step(Pure = 10)] static int SumAsync(List<int> a) => a.Sum(); [Step(Pure = 10)] static int "
        + "CountAsync(IEnumerable<int> a) => a.Count(); static IEnumerable<int> Draw() { drawn++; yield return 1; yield return 2; } static "
        + "async Task<string> InsideAsync() { await using var scope = StepScope.Begin(); var ready = new TaskCompletionSource(); List<int> "
        + "list = [1, 2]; Future<int> sum = Sum(list, after: ready.Task); list.Add(3); ready.SetResult(); Future<IEnumerable<int>> lazy = "
        + "Task.FromResult(Draw()); return $\"{await sum} {await Sum([1, 2])} {await Sum(list)} {await Count(lazy)} {drawn}\"; }",
        "Step.Of(() => InsideAsync())()", "3 3 6 2 1")]
    [InlineData("[Step] static string GetAsync(int a, params string[] c) => $\"{a} {string.Join('+', c)}\";",
        "Get(2, [\"x\", Task.FromResult(\"y\")])", "2 x+y")]
    [InlineData("[Step] static string GetAsync(List<int>? a = null, string[]? b = null, IEnumerable<int>? c = null) => $\"{a is null} {b "
        + "is null} {c is null}\";", "Get(b: new[] { \"x\" })", "True False True")]
    [InlineData("[Step] static string GetAsync(string Name, in int Value, ref readonly long Status) => $\"{Name} {Value} {Status}\";",
        "Get(\"n\", 2, 3L)", "n 2 3")]
    [InlineData("[Step] static string GetAsync(string a = \"\\n\\\"{\", double b = double.NaN, DayOfWeek? c = DayOfWeek.Friday, DayOfWeek "
        + "d = (DayOfWeek)9, decimal e = -1.10m) => FormattableString.Invariant($\"{a}{b}{c}{d}{e}\");", "Get()", "\n\"{NaNFriday9-1.10")]
    [InlineData("[Step] static string GetAsync(IEnumerable<int> a) => \"sequence\"; static string GetAsync(int[] a) => \"array\";",
        "Get([1])", "sequence")]
    [InlineData("[Step] static string GetAsync(in int a) => \"in\"; static string GetAsync(int a) => \"value\";", "Get(1)", "in")]
    [InlineData("[Step] static string GetAsync(dynamic? a) => \"dynamic\"; static string GetAsync(string a) => \"string\";", "Get(\"a\")",
        "dynamic")]
    [InlineData("[Step] static string GetAsync(in dynamic? a) => \"dynamic\"; static string GetAsync(in string a) => \"string\";",
        "Get(\"a\")", "dynamic")]
    [InlineData("[Step] static dynamic GetAsync() => Task.FromResult<object>(\"value\"); static async Task<string> InsideAsync() { try { "
        + "return $\"{await Get()}\"; } catch (InvalidOperationException e) { return e.Message; } }", "Step.Of(() => InsideAsync())()",
        "Get returned a Task<object> as an object: it would not be awaited, and its failure would be lost. Let Get await it.")]
    [InlineData("static readonly List<int> All = [1]; [Step] static string GetAsync(List<int> a, IEnumerable<int> b, IReadOnlyList<int> "
        + "c) => $\"{ReferenceEquals(a, All)} {b is List<int>} {ReferenceEquals(c, All)}\"; static List<int> AllAsync() => All; "
        + "[Step(\"AllFuture\")] static IEnumerable<int> EveryAsync() => All;", "Get(AllAsync(), AllFuture(), All)", "True True False")]
    [InlineData("[Step] static string GetAsync(string? a, int? b, DayOfWeek? c = DayOfWeek.Friday) => $\"{a} {b} {c}\"; [Step] static "
        + "string TextAsync() => \"text\"; [Step] static int NumberAsync() => 7; [Step] static DayOfWeek DayAsync() => DayOfWeek.Monday;",
        "Get(Text(), Number(), Day())", "text 7 Monday")]
    [InlineData("[Step] static string GetAsync(string? a, int? b, DayOfWeek? c = DayOfWeek.Friday) => $\"{a} {b} {c}\"; [Step] static "
        + "string? TextAsync() => \"text\";", "Get(Text(), Task.FromResult(8)) ", "text 8 Friday")]
    [InlineData("[Step] static string GetAsync(string? a, int? b, DayOfWeek? c = DayOfWeek.Friday, string? d = \"d\") => $\"{a} {b} {c} "
        + "{d}\";", "Get(Arg.Of<string?>(null), (int?)null, d: Arg.Of<string?>(null))", "  Friday ")]
    [InlineData("class A { public virtual string GetAsync(int a) => \"base\"; } partial class B : A { [Step] public override string "
        + "GetAsync(int a) => \"override\"; public string GetAsync(object a) => \"object\"; }", "new B().Get(1)", "override")]
    [InlineData("class A { public virtual string GetAsync(int a) => \"base\"; } class M : A { public string GetAsync(object a) => "
        + "\"object\"; } partial class B : M { [Step] public override string GetAsync(int a) => \"override\"; }", "new B().Get(1)",
        "override")]
    [InlineData("partial class B { public partial string GetAsync(int a = 3); [Step] public partial string GetAsync(int b) => $\"{b}\"; }",
        "new B().Get()", "3")]
    public async Task AStepPassesItsMethodTheSameArguments(string members, string call, string result)
        => Assert.Equal(result, await StepTwins.RunAsync(Program(members, $"return await {call};")));

    [Theory]
    [InlineData("[Step] static Task<int>? GetAsync() => null;")]
    [InlineData("[Step] static Task<int> GetAsync() => null!;")]
    [InlineData("[Step] static Task GetAsync() => null!;")]
    [InlineData("[Step] static Task? GetAsync(int n = 1) => null;")]
    public async Task AMethodThatReturnsNullInsteadOfATaskFailsItsStep(string members)
        => Assert.Equal("GetAsync returned null instead of a task.",
        await StepTwins.RunAsync(Program(members,
            "try { await Get(); return \"\"; } catch (InvalidOperationException e) { return e.Message; }")));

    private static string Program(string members, string body) => $$"""
        #pragma warning disable CS8602, CS9192, CS8981, CS1591
        using Sluice; using Sluice.Graphs;
        public static partial class Program
        {
            {{members}}
            public static async Task<string> RunAsync() { {{body}} }
        }
        """;
}
