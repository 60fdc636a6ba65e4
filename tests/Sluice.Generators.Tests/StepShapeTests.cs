namespace Sluice.Generators.Tests;

/// <summary>Methods of every shape: the generated code compiles without a warning, and the twin has the expected declaration.</summary>
public class StepShapeTests
{
    [Theory]
    // parameters
    [InlineData("[Step] public static int GetAsync(in int a, ref readonly long b) => 1;",
        "public static Future<int> Get(Arg<int> a, Arg<long> b, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static Task GetAsync(in int a, ref readonly long b, in CancellationToken c) => Task.CompletedTask;",
        "public static Future Get(Arg<int> a, Arg<long> b, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static Task GetAsync(int a, ref readonly CancellationToken c) => Task.CompletedTask;",
        "public static Future Get(Arg<int> a, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static Task GetAsync(int a, CancellationToken? c) => Task.CompletedTask;",
        "public static Future Get(Arg<int> a, NullableArg<Threading.CancellationToken> c, WriteAfterByName byName = default, After? after "
            + "= null)")]
    [InlineData("[Step] public static int GetAsync(params string[] rest) => 1; static Future<int> Use() => Get(); static Future<int> "
        + "Two() => Get([\"a\", Task.FromResult(\"b\")]);",
        "public static Future<int> Get(Args<string>? rest = null, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static int GetAsync(int a = 1, params IEnumerable<string> rest) => 1; static Future<int> Use() => Get();",
        "public static Future<int> Get(Arg<int>? a = null, Args<string>? rest = null, WriteAfterByName byName = default, After? after = "
            + "null)")]
    [InlineData("[Step] public static int GetAsync(int a, params HashSet<int> rest) => 1; static Future<int> Use() => Get(1);",
        "public static Future<int> Get(Arg<int> a, Arg<HashSet<int>>? rest = null, WriteAfterByName byName = default, After? "
            + "after = null)")]
    [InlineData("[Step] public static int GetAsync(int a, params List<int> rest) => 1;",
        "public static Future<int> Get(Arg<int> a, Args<int>? rest = null, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static int GetAsync(int[][] a, int[,] b, int[]?[] c, (int x, string? y)[] d) => 1;",
        "public static Future<int> Get(Args<int[]> a, Arg<int[,]> b, Args<int[]?> c, Args<(int x, string? y)> d, WriteAfterByName byName "
            + "= default, After? after = null)")]
    [InlineData("[Step] public static int GetAsync(IList<string?> a, ICollection<int>? b, IReadOnlyCollection<Type> c) => 1;",
        "public static Future<int> Get(Args<string?> a, Args<int> b, Args<Type> c, WriteAfterByName byName = default, After? "
            + "after = null)")]
    [InlineData("[Step] public static int GetAsync(dynamic a, dynamic[] b, List<dynamic>? c = null) => 1;",
        "public static Future<int> Get(Arg<dynamic> a, Args<dynamic> b, Args<dynamic>? c = null, WriteAfterByName byName = default, "
            + "After? after = null)")]
    [InlineData("[Step] public static int GetAsync([DisallowNull] string? a, [AllowNull] string b) => 1;",
        "public static Future<int> Get(Arg<string> a, Arg<string> b, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static int GetAsync(Settled<IList<int>>[] a, Func<int, Task<int>> b, nint c, Half d) => 1;",
        "public static Future<int> Get(Args<Settled<IList<int>>> a, Arg<Func<int, Task<int>>> b, Arg<nint> c, Arg<Half> d, "
            + "WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static int GetAsync(IEnumerable<int> a) => 1; public static string GetAsync(int[] a) => \"\";",
        "public static Future<int> Get(Args<int> a, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static unsafe int GetAsync(int a) => 1;",
        "public static Future<int> Get(Arg<int> a, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static int GetAsync(Future<int> a, Arg<int> b, Task<int> c, CancellationToken[] d, After? e) => 1;",
        "public static Future<int> Get(Arg<Future<int>> a, Arg<Arg<int>> b, Arg<Task<int>> c, Args<Threading.CancellationToken> d, "
            + "Arg<After> e, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static int GetAsync(in int? a = 3, in dynamic? b = null, in string? c = null, ref readonly Guid d = "
        + "default, in IDisposable? e = null) => 1;",
        "public static Future<int> Get(NullableArg<int>? a = null, Arg<dynamic?>? b = null, Arg<string>? c = null, Arg<Guid>? d = null, "
            + "Arg<IDisposable>? e = null, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static int GetAsync(in int[] a, in List<int>? b = null, in IEnumerable<int>? c = null) => 1;",
        "public static Future<int> Get(Args<int> a, Args<int>? b = null, Args<int>? c = null, WriteAfterByName byName = default, After? "
            + "after = null)")]
    [InlineData("[Step] public static int GetAsync(string[]? a, string?[]? b = null, params string?[]? c) => 1;",
        "public static Future<int> Get(Args<string> a, Args<string?>? b = null, Args<string?>? c = null, WriteAfterByName byName = "
            + "default, After? after = null)")]
    // defaults
    [InlineData("[Step] public static int GetAsync(string a, IDisposable? log = null) => 1; static Future<int> Use() => Get(\"a\");",
        "public static Future<int> Get(Arg<string> a, Arg<IDisposable>? log = null, WriteAfterByName byName = default, After? "
            + "after = null)")]
    [InlineData("[Step] public static int GetAsync(object? a = null, dynamic? b = null, IComparable<int>? c = null, Action? d = "
        + "null) => 1;",
        "public static Future<int> Get(Arg<object>? a = null, Arg<dynamic?>? b = null, Arg<IComparable<int>>? c = null, Arg<Action>? d = "
            + "null, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static int GetAsync(string a = \"\\ud800\\0\\\"{\", char b = '\\udc00', decimal c = -1.10m, float d = -0f, "
        + "float e = float.NaN, float f = float.PositiveInfinity, double g = double.MinValue, double h = double.NegativeInfinity) => 1;",
        "public static Future<int> Get(Arg<string>? a = null, Arg<char>? b = null, Arg<decimal>? c = null, Arg<float>? d = null, "
            + "Arg<float>? e = null, Arg<float>? f = null, Arg<double>? g = null, Arg<double>? h = null, WriteAfterByName byName = "
            + "default, After? after = null)")]
    [InlineData("[Step] public static int GetAsync(byte a = 255, sbyte b = -128, short c = -1, ushort d = 9, uint e = uint.MaxValue, long "
        + "f = long.MinValue, ulong g = ulong.MaxValue, nint h = -5, nuint i = 7, int j = int.MinValue) => 1;",
        "public static Future<int> Get(Arg<byte>? a = null, Arg<sbyte>? b = null, Arg<short>? c = null, Arg<ushort>? d = null, Arg<uint>? "
            + "e = null, Arg<long>? f = null, Arg<ulong>? g = null, Arg<nint>? h = null, Arg<nuint>? i = null, Arg<int>? j = null, "
            + "WriteAfterByName byName = default, After? after = null)")]
    [InlineData("enum E : ulong { A } [Step] private static int GetAsync(E a = (E)ulong.MaxValue, DayOfWeek b = (DayOfWeek)(-1), "
        + "DayOfWeek? c = DayOfWeek.Friday, DayOfWeek? d = null, byte? e = 3, bool? f = true) => 1;",
        "private static Future<int> Get(Arg<Snippets.C.E>? a = null, Arg<DayOfWeek>? b = null, NullableArg<DayOfWeek>? c = null, "
            + "NullableArg<DayOfWeek>? d = null, NullableArg<byte>? e = null, NullableArg<bool>? f = null, WriteAfterByName byName = "
            + "default, After? after = null)")]
    [InlineData("[Step] public static int GetAsync<T>(T? a = default, T[]? b = null, Guid c = default, (int, int) d = default) where T : "
        + "IDisposable => 1;",
        "public static Future<int> Get<T>(Arg<T?>? a = null, Args<T>? b = null, Arg<Guid>? c = null, Arg<(int, int)>? d = null, "
            + "WriteAfterByName byName = default, After? after = null) where T : IDisposable")]
    [InlineData("[Step] public static int GetAsync([Optional] int a, string b) => 1;",
        "public static Future<int> Get(Arg<int> a, Arg<string> b, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static int GetAsync([Optional, DefaultParameterValue(7)] int a, [Optional] object b, [Optional, "
        + "DateTimeConstant(5)] DateTime c, [Optional] int d) => 1;",
        "public static Future<int> Get(Arg<int>? a = null, Arg<object>? b = null, Arg<DateTime>? c = null, Arg<int>? d = null, "
            + "WriteAfterByName byName = default, After? after = null)")]
    // results
    [InlineData("[Step] public static Task<int>? GetAsync() => null;",
        "public static Future<int> Get(WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static Task? GetAsync(in int a) => null;",
        "public static Future Get(Arg<int> a, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static dynamic? GetAsync() => null; [Step] public static dynamic SetAsync() => 1;",
        "public static Future<dynamic?> Get(WriteAfterByName byName = default, After? after = null)",
            "public static Future<dynamic> Set(WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] [return: MaybeNull] public static string GetAsync() => null; [Step] [return: MaybeNull] public static T "
        + "OneAsync<T>() => default;", "public static Future<string> Get(WriteAfterByName byName = default, After? after = null)",
        "public static Future<T> One<T>(WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static async IAsyncEnumerable<int> GetAsync(int n) { await Task.Yield(); yield return n; }",
        "public static Future<IAsyncEnumerable<int>> Get(Arg<int> n, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static ValueTask<(int a, string? b)> GetAsync() => default;",
        "public static Future<(int a, string? b)> Get(WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step, DoesNotReturn] public static void FailAsync() => throw new Exception(); [Step, Conditional(\"DEBUG\")] public "
        + "static void TraceAsync(string s) { }", "public static Future Fail(WriteAfterByName byName = default, After? after = null)",
        "public static Future Trace(Arg<string> s, WriteAfterByName byName = default, After? after = null)")]
    // generics
    [InlineData("[Step] public static int GetAsync<A, B, C1, D>(A a, B? b, C1 c, D? d) where A : class? where B : struct, Enum where C1 : "
        + "unmanaged where D : notnull => 1;",
        "public static Future<int> Get<A, B, C1, D>(Arg<A> a, NullableArg<B> b, Arg<C1> c, Arg<D?> d, WriteAfterByName byName = default, "
            + "After? after = null) where A : class? where B : struct, Enum where C1 : unmanaged where D : notnull")]
    [InlineData("[Step] public static int GetAsync<A, B, D>(A a, B b, D? d) where A : Exception?, IDisposable?, new() where B : A where D "
        + ": Delegate => 1;",
        "public static Future<int> Get<A, B, D>(Arg<A> a, Arg<B> b, Arg<D?> d, WriteAfterByName byName = default, After? after = null) "
            + "where A : Exception?, IDisposable?, new() where B : A where D : Delegate")]
    [InlineData("[Step] public static int GetAsync<T, U>(List<U> u) where T : allows ref struct where U : class, IComparable<U>, "
        + "new() => 1;",
        "public static Future<int> Get<T, U>(Args<U> u, WriteAfterByName byName = default, After? after = null) where T : allows ref "
            + "struct where U : class, IComparable<U>, new()")]
    [InlineData("[Step] public static int GetAsync<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] T>() => 1;",
        "public static Future<int> "
            + "Get<[Diagnostics.CodeAnalysis.DynamicallyAccessedMembersAttribute((Diagnostics.CodeAnalysis."
            + "DynamicallyAccessedMemberTypes)(-1))] T>(WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static int GetAsync<after, target, @event, async, a_, GetCall>(a_ a, target target2, async given0) => 1;",
        "public static Future<int> Get<after, target, @event, @async, a_, GetCall>(Arg<a_> a, Arg<target> target2, Arg<async> given0, "
            + "WriteAfterByName byName = default, After? after2 = null)")]
    // names
    [InlineData("[Step] public async Task ReadAsync(string Name, int Value, string Status, int Start, int Needs, int ValueOf, int "
        + "ValuesOf, int InvokeAsync, int Gather, CancellationToken c) => await Task.Yield();",
        "public Future Read(Arg<string> Name, Arg<int> Value, Arg<string> Status, Arg<int> Start, Arg<int> Needs, Arg<int> ValueOf, "
            + "Arg<int> ValuesOf, Arg<int> InvokeAsync, Arg<int> Gather, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public int ReadAsync(int target, int after, int after2, int cancellation, int given1, int StepDefinitions, int "
        + "ReadCall, int Sluice, int global, CancellationToken CancellationToken) => 1;",
        "public Future<int> Read(Arg<int> target, Arg<int> after, Arg<int> after2, Arg<int> cancellation, Arg<int> given1, Arg<int> "
            + "StepDefinitions, Arg<int> ReadCall, Arg<int> Sluice, Arg<int> global, WriteAfterByName byName = default, After? "
            + "after3 = null)")]
    [InlineData("[Step] public Task ReadAsync(string[]? given0 = null, string? given0_ = null, int[]? given1 = null, List<int>? q_ = "
        + "null, in int q = 3) => Task.CompletedTask;",
        "public Future Read(Args<string>? given0 = null, Arg<string>? given0_ = null, Args<int>? given1 = null, Args<int>? q_ = null, "
            + "Arg<int>? q = null, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step(\"lock\")] public static Task RunAsync(int @class, string @event = \"a\", int from = 1, int await = 2, int field = "
        + "3, int _ = 4, int scoped = 5, int where = 6, int async = 7, int nameof = 8, int var = 9, int with = 10) => Task.CompletedTask;",
        "public static Future @lock(Arg<int> @class, Arg<string>? @event = null, Arg<int>? from = null, Arg<int>? await = null, Arg<int>? "
            + "field = null, Arg<int>? _ = null, Arg<int>? scoped = null, Arg<int>? where = null, Arg<int>? async = null, Arg<int>? "
            + "nameof = null, Arg<int>? var = null, Arg<int>? with = null, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step(\"partial\")] public static int A() => 1; [Step(\"extension\")] public static int B() => 1; [Step(\"await\")] "
        + "public static int C1() => 1; [Step(\"record\")] public static int D() => 1; [Step(\"_\")] public static int E() => 1;",
        "public static Future<int> @partial(WriteAfterByName byName = default, After? after = null)",
            "public static Future<int> @extension(WriteAfterByName byName = default, After? after = null)",
                "public static Future<int> @await(WriteAfterByName byName = default, After? after = null)",
                    "public static Future<int> @record(WriteAfterByName byName = default, After? after = null)",
                        "public static Future<int> @_(WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static int @classAsync() => 1; [Step(\"New\")] public static int @new(int @new) => @new; [Step] public "
        + "static int LängeAsync() => 1;", "public static Future<int> @class(WriteAfterByName byName = default, After? after = null)",
        "public static Future<int> New(Arg<int> @new, WriteAfterByName byName = default, After? after = null)",
            "public static Future<int> Länge(WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static int LoadAsync(int a) => 1; [Step] public static int LoadAsync(string a) => 1; [Step] public static "
        + "int Load2Async(int a) => 1;",
        "public static Future<int> Load(Arg<int> a, WriteAfterByName byName = default, After? after = null)",
            "public static Future<int> Load(Arg<string> a, WriteAfterByName byName = default, After? after = null)",
                "public static Future<int> Load2(Arg<int> a, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static int PlaceAsync(int a) => 1; [Step] public static int PlaceCallAsync(string a) => 1; int Place2Call, "
        + "PlaceCallCall; [Step] public static int PlaceCallAsync(int a) => 1;",
        "public static Future<int> Place(Arg<int> a, WriteAfterByName byName = default, After? after = null)",
            "public static Future<int> PlaceCall(Arg<string> a, WriteAfterByName byName = default, After? after = null)",
                "public static Future<int> PlaceCall(Arg<int> a, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static int StepDefinitionsAsync() => 1; [Step] public static int FinalizeAsync() => 1; [Step] public "
        + "static int SluiceAsync() => 1; [Step] public static int SystemAsync() => 1; [Step] public static int SnippetsAsync() => 1;",
        "public static Future<int> StepDefinitions(WriteAfterByName byName = default, After? after = null)",
            "public static Future<int> Finalize(WriteAfterByName byName = default, After? after = null)",
                "public static Future<int> Sluice(WriteAfterByName byName = default, After? after = null)",
                    "public static Future<int> System(WriteAfterByName byName = default, After? after = null)",
                        "public static Future<int> Snippets(WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static int LoadAsync(Dictionary<int, string> a) => 1; [Step] public static int LoadAsync(Dictionary<int, "
        + "long> a) => 1; [Step] public static int LoadAsync((int a, string b) a) => 1; [Step] public static int LoadAsync((int a, long "
        + "b) a) => 1;",
        "public static Future<int> Load(Arg<Dictionary<int, string>> a, WriteAfterByName byName = default, After? after = null)",
            "public static Future<int> Load(Arg<Dictionary<int, long>> a, WriteAfterByName byName = default, After? after = null)",
                "public static Future<int> Load(Arg<(int a, string b)> a, WriteAfterByName byName = default, After? after = null)",
                    "public static Future<int> Load(Arg<(int a, long b)> a, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] public static int LoadAsync() => 1; [Step] public static int LoadAsync<T>() => 1; [Step] public static int "
        + "LoadAsync<T, U>() => 1;", "public static Future<int> Load(WriteAfterByName byName = default, After? after = null)",
        "public static Future<int> Load<T>(WriteAfterByName byName = default, After? after = null)",
            "public static Future<int> Load<T, U>(WriteAfterByName byName = default, After? after = null)")]
    // modifiers
    [InlineData("[Step] public static partial Task<int> GetAsync(int a = 3); public static partial async Task<int> GetAsync(int a) { "
        + "await Task.Yield(); return a; }",
        "public static Future<int> Get(Arg<int>? a = null, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("public static partial Task<int> GetAsync(int a = 3); [Step] public static async partial Task<int> GetAsync(int a) { "
        + "await Task.Yield(); return a; }",
        "public static Future<int> Get(Arg<int>? a = null, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("partial void GetAsync(int a); [Step] partial void GetAsync(int b) { }",
        "private Future Get(Arg<int> a, WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step] protected internal virtual int GetAsync() => 1; [Step] private protected int SetAsync() => 1; [Step] protected "
        + "static int PutAsync() => 1; [Step] internal int CutAsync() => 1;",
        "protected internal Future<int> Get(WriteAfterByName byName = default, After? after = null)",
            "private protected Future<int> Set(WriteAfterByName byName = default, After? after = null)",
                "protected static Future<int> Put(WriteAfterByName byName = default, After? after = null)",
                    "internal Future<int> Cut(WriteAfterByName byName = default, After? after = null)")]
    [InlineData("[Step, DllImport(\"none\")] public static extern int GetAsync(int a);",
        "public static Future<int> Get(Arg<int> a, WriteAfterByName byName = default, After? after = null)")]
    public void AMethodDeclaresItsTwin(string members, params string[] declarations)
    {
        string source = $$"""
            #nullable enable
            #pragma warning disable CS0169, CS0649, CS1591, CS1998, CS8321, CS8981, CS9113, CS8602, CS8603, CS9192, CS0465, CS9200, IDE0051, SYSLIB1054, CS8632
            using System.Diagnostics;
            using System.Diagnostics.CodeAnalysis;
            using System.Runtime.CompilerServices;
            using System.Runtime.InteropServices;
            using Sluice; using Sluice.Graphs;
            namespace Snippets;
            public partial class C
            {
                {{members}}
            }
            """;
        Assert.Equal(declarations, StepTwins.Declarations(StepTwins.Of(source)));
        Assert.Equal(declarations, StepTwins.Declarations(StepTwins.Of(source, nullable: false)));
    }
}
