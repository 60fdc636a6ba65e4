namespace Sluice.Generators.Tests;

/// <summary>Methods with twins in types of every kind, and in scopes whose names collide with generated names.</summary>
public class StepHostTests
{
    [Theory]
    [InlineData("static partial class PlaceCall { [Step] internal static int PlaceAsync(int a) => 1; static Future<int> Use() => "
        + "Place(1); }", "internal static Future<int> Place(Arg<int> a, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("partial class A { [Step] public virtual int ReadAsync(int a) => 1; } partial class B : A { [Step] public override int "
        + "ReadAsync(int a) => 2; }",
        "public Future<int> Read(Arg<int> a, WriteAfterByName byName = default, After? after = null)",
            "public Future<int> Read(Arg<int> a, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("class A { public class ReadCall; protected int Read2Call; } partial class B : A { [Step] public int ReadAsync(int a) => "
        + "2; ReadCall? inherited; }", "public Future<int> Read(Arg<int> a, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("class A { private void Read() { } } partial class B : A { [Step] public int ReadAsync() => 2; }",
        "public Future<int> Read(WriteAfterByName byName = default, After? after = null)")]
    [InlineData("interface I { int Read(); } partial class B : I { int I.Read() => 1; [Step] public int ReadAsync() => 2; }",
        "public Future<int> Read(WriteAfterByName byName = default, After? after = null)")]
    [InlineData("partial class A<ReadCall> { [Step] public ReadCall ReadAsync(ReadCall a) => a; }",
        "public Future<ReadCall> Read(Arg<ReadCall> a, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("sealed partial class A { [Step] private protected int ReadAsync() => 1; }",
        "private protected Future<int> Read(WriteAfterByName byName = default, After? after = null)")]
    [InlineData("partial interface I { [Step] Task LoadAsync(); [Step] static int OneAsync() => 1; [Step] protected int TwoAsync() => 1; "
        + "[Step] internal int ThreeAsync() => 1; [Step] private int FourAsync() => 1; }",
        "public sealed Future Load(WriteAfterByName byName = default, After? after = null)",
            "public static Future<int> One(WriteAfterByName byName = default, After? after = null)",
                "protected Future<int> Two(WriteAfterByName byName = default, After? after = null)",
                    "internal Future<int> Three(WriteAfterByName byName = default, After? after = null)",
                        "private Future<int> Four(WriteAfterByName byName = default, After? after = null)")]
    [InlineData("partial interface I { [Step] Task LoadAsync(); } partial interface J : I { [Step] new Task LoadAsync(); } class U { "
        + "Future Use(J j) => j.Load(); }", "public sealed Future Load(WriteAfterByName byName = default, After? after = null)",
        "public sealed Future Load(WriteAfterByName byName = default, After? after = null)")]
    [InlineData("readonly partial struct S { [Step] public int GetAsync() => 1; } partial struct T { int n; [Step] public readonly int "
        + "GetAsync() => n; [Step] public static int SetAsync() => 1; }",
        "public Future<int> Get(WriteAfterByName byName = default, After? after = null)",
            "public Future<int> Get(WriteAfterByName byName = default, After? after = null)",
                "public static Future<int> Set(WriteAfterByName byName = default, After? after = null)")]
    [InlineData("static partial class C { [Step] public static int LengthAsync(this string s, int n) => n; static Future<int> Use() => "
        + "Length(\"a\", 1); }",
        "public static Future<int> Length(Arg<string> s, Arg<int> n, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("partial class C<T> where T : allows ref struct { [Step] public int GetAsync(Action<T> n) => 1; }",
        "public Future<int> Get(Arg<Action<T>> n, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Obsolete(\"no\", true)] partial class C { [Step] public C GetAsync(C n) => n; }",
        "public Future<C> Get(Arg<C> n, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("partial class Outer { protected partial class C { [Step] protected C GetAsync(C n) => n; [Step] protected internal C "
        + "SetAsync(C n) => n; } }",
        "protected Future<Outer.C> Get(Arg<Outer.C> n, WriteAfterByName byName = default, After? after = null)",
            "protected internal Future<Outer.C> Set(Arg<Outer.C> n, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("ref partial struct S { [Step] public static int GetAsync() => 1; }",
        "public static Future<int> Get(WriteAfterByName byName = default, After? after = null)")]
    [InlineData("abstract partial record R(int Q) { [Step] protected abstract ValueTask<int> GetAsync(int n); } partial record struct "
        + "V(int Q) { [Step] public readonly int GetAsync(int Q) => Q; } partial record class W { [Step] public int GetAsync() => 1; }",
        "protected Future<int> Get(Arg<int> n, WriteAfterByName byName = default, After? after = null)",
            "public Future<int> Get(Arg<int> Q, WriteAfterByName byName = default, After? after = null)",
                "public Future<int> Get(WriteAfterByName byName = default, After? after = null)")]
    [InlineData("partial class A<T> where T : class, new() { partial record struct R<U>(U V) where U : struct { [Step] public readonly "
        + "(T, U?) GetAsync<W>(W? w, T? t = null) where W : class?, IComparable<W> => default; } }",
        "public Future<(T, U?)> Get<W>(Arg<W?> w, Arg<T?>? t = null, WriteAfterByName byName = default, After? after = null) where W : "
            + "class?, IComparable<W>")]
    [InlineData("partial class A { record P(int N); [Step] private P GetAsync(P n, P? d = null) => n; }",
        "private Future<A.P> Get(Arg<A.P> n, Arg<A.P>? d = null, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("namespace @event.@class { partial class @int { [Step] public int GetAsync() => 1; partial class @void<@in> { [Step] "
        + "public static @in? GetAsync(@in a) => a; } } }",
        "public Future<int> Get(WriteAfterByName byName = default, After? after = null)",
            "public static Future<@in?> Get(Arg<@in> a, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("partial class @required { [Step] public int GetAsync() => 1; partial struct @record { [Step] public static @record "
        + "GetAsync(@required a) => default; partial class @scoped { [Step] public static int GetAsync(@scoped? a) => 1; } } }",
        "public Future<int> Get(WriteAfterByName byName = default, After? after = null)",
            "public static Future<required.@record> Get(Arg<required> a, WriteAfterByName byName = default, After? after = null)",
                "public static Future<int> Get(Arg<required.@record.scoped> a, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("namespace N { namespace Sluice { class Q; } namespace System { class Q; } static partial class C { "
        + "[global::Sluice.Graphs.Step] static int GetAsync() => 1; } }",
        "private static Future<int> Get(WriteAfterByName byName = default, After? after = null)")]
    [InlineData("namespace N { class StepDefinitions; static partial class C { [Step] static int GetAsync() => 1; } }",
        "private static Future<int> Get(WriteAfterByName byName = default, After? after = null)")]
    [InlineData("namespace N { namespace StepDefinitions { class Q; } static partial class C { [Step] static int GetAsync() => 1; class "
        + "StepDefinitions; } }", "private static Future<int> Get(WriteAfterByName byName = default, After? after = null)")]
    [InlineData("static partial class StepDefinitions { [Step] static int GetAsync() => 1; }",
        "private static Future<int> Get(WriteAfterByName byName = default, After? after = null)")]
    [InlineData("#nullable disable\npartial class C { [Step] public Task<string> GetAsync<T>(T n, List<T> l, string d = null, T t = "
        + "default, IDisposable i = null) where T : class => null; }",
        "public Future<string> Get<T>(Arg<T> n, Args<T> l, Arg<string>? d = null, Arg<T>? t = null, Arg<IDisposable>? i = null, "
            + "WriteAfterByName byName = default, After? after = null) where T : class")]
    [InlineData("[assembly: CLSCompliant(true)] public partial class C { [Step] public int GetAsync(int n) => n; }",
        "public Future<int> Get(Arg<int> n, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("public partial class C { /** <summary>One.</summary> */ [Step] public int GetAsync(int n) => n; /// <inheritdoc "
        + "cref=\"GetAsync\"/>\n[Step] public int SetAsync(int n) => n; }",
        "public Future<int> Get(Arg<int> n, WriteAfterByName byName = default, After? after = null)",
            "public Future<int> Set(Arg<int> n, WriteAfterByName byName = default, After? after = null)")]
    public void ATypeDeclaresItsTwins(string types, params string[] declarations)
    {
        string text =
            StepTwins.Of(
            $"#pragma warning disable CS0169, CS0649, CS1591, CS8981, CS8625, CS0628\nusing Sluice; using Sluice.Graphs;\n{types}");
        Assert.Equal(declarations.Order(StringComparer.Ordinal), StepTwins.Declarations(text).Order(StringComparer.Ordinal));
    }

    /// <summary>The metadata of the library has its twins, also the one of plain values.</summary>
    [Theory]
    [InlineData("[Step] public Task<string> LoadAsync(int id) => Task.FromResult(\"b\");")]
    [InlineData("[Step] public override Task<string> LoadAsync(string id) => Task.FromResult(\"b\");")]
    [InlineData("[Step] public Task<string> CountAsync(int id) => Task.FromResult(\"b\");")]
    public void ABaseWithStepsMayBeInAnotherAssembly(string member)
    {
        var library = StepTwins.Library("using Sluice; using Sluice.Graphs;\npublic partial class A { "
            + "[Step] public virtual Task<string> LoadAsync(string id) => Task.FromResult(\"a\"); "
            + "[Step] public int CountAsync(int? id) => 1; }");
        var (text, reports, errors) = StepTwins.Write($"using Sluice; using Sluice.Graphs;\npublic partial class B : A {{ {member} }}",
            library: library);
        Assert.Empty(reports);
        Assert.Empty(errors);
        Assert.Single(StepTwins.Declarations(text));
    }

    [Fact]
    public void AMethodOfABaseInAnotherAssemblyThatIsNoTwinIsInTheWay()
    {
        var library = StepTwins.Library("using Sluice; using Sluice.Graphs;\npublic partial class A { "
            + "[Step(\"Load\")] public int ReadAsync(string id) => 1; public int Load(int id, int more) => 1; }");
        var (_, reports, _) = StepTwins.Write("using Sluice; using Sluice.Graphs;\n"
            + "public partial class B : A { [Step] public int LoadAsync(int id) => 1; }", library: library);
        Assert.Equal("SLU012", Assert.Single(reports).Id);
    }

    [Theory]
    [InlineData("[Obsolete(\"no\", true)]", "error CS0619: 'C.Get(int)' is obsolete: 'no'")]
    [InlineData("[Obsolete]", "warning CS0612: 'C.Get(int)' is obsolete")]
    [InlineData("[Obsolete(\"old\")]", "warning CS0618: 'C.Get(int)' is obsolete: 'old'")]
    [InlineData("[Obsolete(\"old\", DiagnosticId = \"SHOP1\", UrlFormat = \"{0}\")]", "warning SHOP1: 'C.Get(int)' is obsolete: 'old'")]
    [InlineData("[System.Diagnostics.CodeAnalysis.Experimental(\"SHOP2\")]", "error SHOP2: 'C.Get(int)' is for evaluation purposes only")]
    public void TheTwinRepeatsObsoleteAndExperimentalWarnings(string attribute, string message)
    {
        const string Use = "class U { object Use() => C.Get(1); }";
        string source =
            $"using Sluice; using Sluice.Graphs;\nstatic partial class C {{ {attribute} [Step] internal static int GetAsync(int n) => n; "
            + $"}}\n";
        StepTwins.Of(source);
        Assert.Contains(message, Assert.Single(StepTwins.Write(source + Use).Errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[System.Diagnostics.CodeAnalysis.RequiresUnreferencedCode(\"reflects\", Url = \"u\")]", "",
        "[RequiresUnreferencedCode(reflects, Url = u)]")]
    [InlineData("[System.Diagnostics.CodeAnalysis.RequiresDynamicCode(\"emits\")]", "", "[RequiresDynamicCode(emits)]")]
    [InlineData("[System.Runtime.Versioning.SupportedOSPlatform(\"windows\")]", "", "[SupportedOSPlatform(windows)]")]
    [InlineData("",
        "[System.Diagnostics.CodeAnalysis.DynamicallyAccessedMembers(System.Diagnostics.CodeAnalysis.DynamicallyAccessedMemberTypes.All)]",
        "[RequiresUnreferencedCode(Trimming does not see what 'GetAsync' wants kept of its argument 'type', as that may be a future. Call "
            + "the method itself, or see to it that it is kept.)]")]
    public void TrimmingAndPlatformAttributesAreCopiedToTheTwin(string attribute, string ofParameter, string copied)
    {
        string text =
            StepTwins.Of(
            $"using Sluice; using Sluice.Graphs;\nstatic partial class C {{ {attribute} [Step] internal static int GetAsync({ofParameter} "
                + $"Type type) => 1; }}");
        string[] lines = [.. text.Split('\n').Select(line =>
            System.Text.RegularExpressions.Regex.Replace(line.Trim().Replace("\"", "", StringComparison.Ordinal),
            "global::[A-Za-z.]*\\.(\\w+)Attribute", "$1"))];
        foreach (string of in (string[])["internal static global::Sluice.Graphs.Future", "private sealed class"])
            Assert.Equal(copied, lines[Array.FindIndex(lines, line => line.StartsWith(of, StringComparison.Ordinal)) - 1]);
    }

    [Theory]
    [InlineData("[Obsolete(\"old\", DiagnosticId = \"SHOP1\")] class Old;")]
    [InlineData("[System.Diagnostics.CodeAnalysis.Experimental(\"SHOP1\")] class Old;")]
    [InlineData("[Obsolete] class Old;")]
    public void AttributesOfUsedTypesCauseNoWarningInTheTwin(string type)
        => StepTwins.Of($$"""
            using Sluice; using Sluice.Graphs;
            #pragma warning disable SHOP1, CS0612, CS0618
            static partial class C { [Step] static Task<Old> GetAsync(Old one, Old[] many, Dictionary<string, Old?>? more = null) => null!; }
            {{type}}
            """);
}
