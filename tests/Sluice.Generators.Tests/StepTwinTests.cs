using Microsoft.CodeAnalysis;

namespace Sluice.Generators.Tests;

public class StepTwinTests
{
    [Theory]
    [InlineData("static partial class C { [Step] internal static int GetAsync() => 1; static Future<int> Use() => C.Get(); }")]
    [InlineData("static partial class C { [Step] static ValueTask<int> GetAsync(int n) => new(n); static Future<int> Use() => "
        + "Get(Get(Task.FromResult(1))); }")]
    [InlineData("static partial class C { [Step] static Task EndAsync() => Task.CompletedTask; static Future Use() => "
        + "End(after: End()); }")]
    [InlineData("static partial class C { [Step] static ValueTask EndAsync(CancellationToken c) => default; static Future Use() => "
        + "End(after: [End(), End()]); }")]
    [InlineData("static partial class C { [Step(\"Sum\")] static int Add(int[] parts) => parts.Length; static Future<int> Use() => "
        + "Sum([1, Sum([2]), Task.FromResult(3)]); static Future<int> All() => Sum(new[] { Sum([1]) }); }")]
    [InlineData("static partial class C { [Step] static Task<string> ReadAsync(Settled<int> n) => Task.FromResult($\"{n}\"); [Step] "
        + "static int OneAsync() => 1; static Future<string> Use() => Read(One()); }")]
    [InlineData("sealed partial class C(int start) { [Step] private Task<int> NextAsync(int n) => Task.FromResult(start + n); public "
        + "Future<int> Use() => Next(Next(1)); }")]
    [InlineData("readonly partial struct C { [Step] public int GetAsync() => 1; public Future<int> Use() => Get(); }")]
    [InlineData("partial interface I { [Step] Task<string> LoadAsync(string id, CancellationToken c); } class U { Future<string> Use(I i) "
        + "=> i.Load(i.Load(\"a\")); }")]
    [InlineData("static partial class C { [Step] static Task<T[]> LoadAsync<T, U>(T one, U two) where T : notnull where U : struct, "
        + "IComparable<U> => Task.FromResult(new[] { one }); static Future<string[]> Use() => Load<string, int>(\"a\", 1); }")]
    [InlineData("static partial class C { [Step] static int GetAsync(string a = \"x\\\"y\", char c = '\\'', bool b = true, double d = "
        + "double.NaN, decimal m = 1.5m, DayOfWeek day = DayOfWeek.Friday, int? n = null, int? k = 4, string? s = null, DateTime t = "
        + "default) => 1; static Future<int> Use() => Get(m: 2m, s: \"a\"); }")]
    [InlineData("static partial class C { [Step] static int GetAsync(int after, int target, int cancellation, int @class, string "
        + "cancellation2) => 1; static Future<int> Use() => Get(1, 2, 3, 4, \"\"); }")]
    [InlineData("static partial class C { [Step] static int GetAsync(int n) => n; [Step] static int GetAsync(string n) => 1; class "
        + "GetCall; static Future<int> Use() => Get(Get(\"a\")); }")]
    [InlineData("static partial class C { [Step] static object? EchoAsync(object? value) => value; [Step] static Task<object> "
        + "ManyAsync(IReadOnlyList<string?> names, IList<int> n) => null!; static Future<object> Use() => Many([\"a\", "
        + "Arg.Of<string?>(null)], [1]); static Future<object?> Mixed() => Echo(Echo(1)); }")]
    [InlineData("static partial class C { [Step] static int GetAsync() => 1; static partial class D { [Step] internal static int "
        + "GetAsync() => 1; } } static partial class c { [Step] static int GetAsync() => 1; }")]
    [InlineData("static partial class C { [Obsolete, Step] static int StartAsync(in int n, Memory<byte> m) => n; }")]
    [InlineData("partial class Outer { partial struct Middle<T> { static partial class Inner { [Step] internal static Task<T> IdAsync(T "
        + "value) => Task.FromResult(value); } static Future<int> Use() => Middle<int>.Inner.Id(5); } }")]
    public void TwinsCompile(string members)
    {
        string text = StepTwins.Of($"using Sluice; using Sluice.Graphs;\n#pragma warning disable CS0169, CS0414, IDE0051\n{members}");
        Assert.Contains("Sluice.Graphs.After? after", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SLU010", "static class C { [Step] static int [|GetAsync|]() => 1; }", "write 'partial' before 'class C'")]
    [InlineData("SLU010", "record Outer { partial struct C { [Step] static int [|GetAsync|]() => 1; } }",
        "write 'partial' before 'record Outer'")]
    [InlineData("SLU011", "partial class C { [Step] int [|Get|]() => 1; }", "name the twin: [Step(\"Name\")]")]
    [InlineData("SLU011", "partial class C { [Step] int [|Async|]() => 1; }", "no suffix 'Async'")]
    [InlineData("SLU012", "partial class C { [Step(\"1st\")] int [|Get|]() => 1; }", "that is no C# name")]
    [InlineData("SLU012", "partial class C { [Step(\"Get\")] int [|Get|]() => 1; }", "the method itself has that name")]
    [InlineData("SLU012", "partial class C { [Step(\"C\")] int [|Get|]() => 1; }", "its type has that name")]
    [InlineData("SLU012", "partial class C { [Step] int [|GetAsync|]() => 1; int Get; }", "there is another member of that name, C.Get")]
    [InlineData("SLU012", "partial class C { [Step] int [|GetAsync|](int[] n) => 1; [Step] int [|GetAsync|](List<int> n) => 1; }",
        "another step has a twin of that name with the same parameters")]
    [InlineData("SLU012", "class A { public void Load() { } } partial class C : A { [Step] int [|LoadAsync|]() => 1; }",
        "there is another member of that name, A.Load()")]
    [InlineData("SLU012", "interface I { int Load { get; } } partial interface C : I { [Step] int [|LoadAsync|](); }",
        "there is another member of that name, I.Load")]
    [InlineData("SLU012", "partial struct C { [Step] static int [|ToStringAsync|]() => 1; }", "there is another member of that name, ")]
    [InlineData("SLU012", "partial class C<Load> { [Step] int [|LoadAsync|]() => 1; }", "there is another member of that name, Load")]
    [InlineData("SLU012",
        "partial class C { [Step] int [|GetAsync|]<T>(T[] n) => 1; [Step] int [|GetAsync|]<U>(List<U> n) => 1; [Step] int GetAsync(int[] "
            + "n) => 1; }", "another step has a twin of that name with the same parameters")]
    [InlineData("SLU012",
        "partial class C { [Step] int [|GetAsync|](int n) => 1; [Step] int [|GetAsync|](int n, CancellationToken c) => 1; }",
            "another step has a twin of that name with the same parameters")]
    [InlineData("SLU013", "partial class C { [Step] int [|GetAsync|](ref int n) => 1; }", "passed by reference")]
    [InlineData("SLU013", "partial class C { [Step] void [|GetAsync|](out int n) => n = 1; }", "The parameter 'n' of 'GetAsync'")]
    [InlineData("SLU013", "partial class C { [Step] int [|GetAsync|](ReadOnlySpan<char> text) => 1; }",
        "ReadOnlySpan<char> lives on the stack")]
    [InlineData("SLU013", "partial class C { [Step] int [|GetAsync|]<T>(T text) where T : allows ref struct => 1; }", "allows ref struct")]
    [InlineData("SLU013", "partial class C { [Step] unsafe int [|GetAsync|](int* n) => 1; }",
        "'n' of 'GetAsync' cannot be an argument of a step: it is a pointer")]
    [InlineData("SLU013",
        "partial class C { [Step] unsafe int [|GetAsync|](int*[] n) => 1; [Step] unsafe int "
            + "[|SetAsync|](List<delegate*<void>[]> n) => 1; }", "it holds pointers")]
    [InlineData("SLU014",
        "partial class C { [Step] unsafe Task<int*[]> [|GetAsync|]() => null!; [Step] unsafe void*[] [|SetAsync|]() => null!; }",
            "it holds pointers")]
    [InlineData("SLU014",
        "partial class C { private partial void GetAsync(); [Step] private async partial void [|GetAsync|]() => await Task.Yield(); }",
            "return a Task")]
    [InlineData("SLU014", "partial class C { int n; [Step] ref int [|GetAsync|]() => ref n; }", "returned by reference")]
    [InlineData("SLU014", "partial class C { [Step] Span<int> [|GetAsync|]() => default; }", "lives on the stack")]
    [InlineData("SLU014", "partial class C { [Step] async void [|GetAsync|]() => await Task.Yield(); }", "return a Task")]
    [InlineData("SLU015", "partial class C { void M() { [Step] int [|GetAsync|]() => 1; GetAsync(); } }",
        "it is a local function; use Step.Of")]
    [InlineData("SLU015", "interface I { int GetAsync(); } partial class C : I { [Step] int I.[|GetAsync|]() => 1; }",
        "through its interface")]
    [InlineData("SLU015", "partial interface I { [Step] static abstract int [|GetAsync|](); }", "only known where it is called")]
    [InlineData("SLU015", "partial struct C { int n; [Step] int [|GetAsync|]() => n++; }", "a copy of its struct")]
    [InlineData("SLU015", "static partial class C { extension(string s) { [Step] public int [|GetAsync|]() => 1; } }", "extension block")]
    [InlineData("SLU015", "partial interface I<out T> { [Step] Task [|GetAsync|](int n); }", "'I' is variant (in, out: 'T')")]
    [InlineData("SLU015", "partial interface I<in T> { partial interface J { [Step] Task [|GetAsync|](int n); } }",
        "'I' is variant (in, out: 'T')")]
    [InlineData("SLU015", "file static partial class C { [Step] public static int [|GetAsync|]() => 1; }",
        "'C' is known in its file only (file)")]
    [InlineData("SLU015", "file partial class C { public partial struct D { [Step] public static int [|GetAsync|]() => 1; } }",
        "'C' is known in its file only (file)")]
    [InlineData("SLU015", "partial class C<T> { [Step] T [|GetAsync|]<T>(T n) => n; }", "two type parameters around it are called 'T'")]
    [InlineData("SLU015", "partial class C<T> { partial class D<T> { [Step] int [|GetAsync|]() => 1; } }",
        "two type parameters around it are called 'T'")]
    [InlineData("SLU015", "partial class C { [Step] int [|GetAsync|]<Needs>(Needs n) => 1; }", "its type parameter is called 'Needs'")]
    [InlineData("SLU015",
        "class A { protected virtual int LoadAsync(int n) => n; } partial class C : A { [Step] protected override int [|LoadAsync|](int "
            + "n) => n; int LoadAsync(object n) => 1; }", "it is an override that is protected")]
    [InlineData("SLU015", "partial class C { [Step, System.Runtime.InteropServices.UnmanagedCallersOnly] static int [|GetAsync|]() => 1; }",
        "native code")]
    [InlineData("SLU015", "partial class C { [Step] static int [|GetAsync|](__arglist) => 1; }", "__arglist")]
    [InlineData("SLU016", "partial class C { [Step] int [|GetAsync|](CancellationToken stop, int n) => 1; }", "move 'stop' to the end")]
    [InlineData("SLU017", "partial class C { [Step(Retries = -1)] int [|GetAsync|]() => 1; }", "The option Retries of 'GetAsync' is -1")]
    [InlineData("SLU018",
        "partial class C { [Step] int [|GetAsync|](string m, [System.Runtime.CompilerServices.CallerMemberName] string caller = \"\") => "
            + "1; }", "The parameter 'caller' of 'GetAsync' is filled in by the compiler where 'GetAsync' is called ([CallerMemberName])")]
    [InlineData("SLU018",
        "partial class C { [Step] int [|GetAsync|]([System.Runtime.CompilerServices.CallerLineNumber] int line = 0) => 1; [Step] int "
            + "[|SetAsync|]([System.Runtime.CompilerServices.CallerFilePath] string? file = null) => 1; }", "pass the value")]
    [InlineData("SLU018",
        "partial class C { [Step] int [|GetAsync|](int n, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(n))] string? "
            + "text = null) => 1; }", "[CallerArgumentExpression]")]
    public void AnInvalidStepIsReportedAtItsName(string id, string marked, string message)
    {
        string source =
            $"using Sluice; using "
            + $"Sluice.Graphs;\n{marked.Replace("[|", "", StringComparison.Ordinal).Replace("|]", "", StringComparison.Ordinal)}";
        var (_, reports, _) = StepTwins.Write(source);
        Assert.Equal(marked.Split("[|").Length - 1, reports.Count);
        foreach (var report in reports)
        {
            Assert.Equal(id, report.Id);
            Assert.Contains(message, report.GetMessage(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
            string at = source.Substring(report.Location.SourceSpan.Start, report.Location.SourceSpan.Length);
            Assert.Contains($"[|{at}|]", marked, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("[Step] static int a;")]
    [InlineData("[Step] static int A { get; set; }")]
    [InlineData("[Step] static event Action? A;")]
    [InlineData("[Step] partial class A;")]
    [InlineData("[return: Step] static int SetAsync() => 1;")]
    [InlineData("static int SetAsync([Step] int n) => n;")]
    public void AnAttributeAtAnythingButAMethodLeavesTheOtherTwins(string member)
    {
        var (text, reports, errors) = StepTwins.Write(
            $"#pragma warning disable CS0169, CS0067\nusing Sluice; using Sluice.Graphs;\n"
                + $"partial class C {{ [Step] static int GetAsync() => 1; {member} }}");
        Assert.Empty(reports);
        Assert.Contains("CS0592", Assert.Single(errors), StringComparison.Ordinal);
        Assert.Single(StepTwins.Declarations(text));
    }

    [Fact]
    public void AnUnchangedStepIsNotGeneratedAgain()
    {
        const string Source = "using Sluice; using Sluice.Graphs;\nstatic partial class C { [Step] static int GetAsync() => 1; }";
        var driver = Microsoft.CodeAnalysis.CSharp.CSharpGeneratorDriver.Create([new StepGenerator().AsSourceGenerator()],
            driverOptions: new(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true),
            parseOptions: new(Microsoft.CodeAnalysis.CSharp.LanguageVersion.CSharp14));
        var first = driver.RunGenerators(Snippet.Compile(Source));
        var result = first.RunGenerators(Snippet.Compile(Source + "\n// more")).GetRunResult().Results.Single();
        Assert.Null(result.Exception);
        var outputs = result.TrackedOutputSteps.SelectMany(step => step.Value).SelectMany(step => step.Outputs).ToList();
        Assert.NotEmpty(outputs);
        Assert.All(outputs,
            output => Assert.Contains(output.Reason, new[] { IncrementalStepRunReason.Cached, IncrementalStepRunReason.Unchanged }));
    }
}
