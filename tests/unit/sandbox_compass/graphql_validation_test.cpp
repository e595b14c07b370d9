#include <gtest/gtest.h>

#include "tests/sandbox/compass/compass_schema.hpp"
#include "tests/sandbox/compass/graphql_execution.hpp"

namespace runtime_agent::sandbox {
namespace {

struct Refusal {
  const char* name;
  const char* document;
  const char* message; ///< of the first error
};

void PrintTo(const Refusal& refusal, std::ostream* out) {
  *out << refusal.name;
}

std::vector<graphql::Error> errors_of(const std::string& document, const nlohmann::json& variables = {}) {
  auto prepared = graphql::prepare({{"query", document}, {"variables", variables}}, compass::director_schema());
  return prepared ? std::vector<graphql::Error>{} : prepared.error();
}

class RefusedDocument : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedDocument, GetsTheMessageThatGqlgenGives) {
  const auto errors = errors_of(GetParam().document, {{"id", "1"}, {"n", 1}});
  ASSERT_FALSE(errors.empty());
  EXPECT_EQ(errors.front().message, GetParam().message);
}

const Refusal refusals[] = {
    {"UnknownRootField", "{ foo }", R"(Cannot query field "foo" on type "Query".)"},
    {"UnknownField", R"({ runtime(id: "1") { foo } })", R"(Cannot query field "foo" on type "Runtime".)"},
    {"UnknownArgument", R"({ runtime(id: "1", x: 2) { id } })",
     R"(Unknown argument "x" on field "runtime" of type "Query".)"},
    {"MissingArgument", "{ runtime { id } }",
     R"(Field "runtime" argument "id" of type "ID!" is required, but it was not provided.)"},
    {"NullForNonNull", "{ runtime(id: null) { id } }", R"(Expected value of type "ID!", found null.)"},
    {"StringForInt", R"({ applicationsForRuntime(runtimeID: "1", first: "2") { totalCount } })",
     R"(Int cannot represent non-integer value: "2")"},
    {"FloatForInt", R"({ applicationsForRuntime(runtimeID: "1", first: 2.5) { totalCount } })",
     "Int cannot represent non-integer value: 2.5"},
    {"HugeInt", R"({ applicationsForRuntime(runtimeID: "1", first: 99999999999) { totalCount } })",
     "Int cannot represent non 32-bit signed integer value: 99999999999"},
    {"BooleanForId", "{ runtime(id: true) { id } }", "ID cannot represent a non-string and non-integer value: true"},
    {"IntForString", R"(mutation { setRuntimeLabel(runtimeID: "1", key: 3, value: 4) { key } })",
     "String cannot represent a non string value: 3"},
    {"UndefinedVariable", "{ runtime(id: $id) { id } }", R"(Variable "$id" is not defined.)"},
    {"UndefinedVariableInNamedOperation", "query Q { runtime(id: $id) { id } }",
     R"(Variable "$id" is not defined by operation "Q".)"},
    {"UnusedVariable", R"(query Q($n: Int) { runtime(id: "1") { id } })",
     R"(Variable "$n" is never used in operation "Q".)"},
    {"NullableVariableForNonNull", "query ($id: ID) { runtime(id: $id) { id } }",
     R"(Variable "$id" of type "ID" used in position expecting type "ID!".)"},
    {"VariableOfAnotherType", "query ($id: String!) { runtime(id: $id) { id } }",
     R"(Variable "$id" of type "String!" used in position expecting type "ID!".)"},
    {"UnknownVariableType", "query ($id: Foo!) { runtime(id: $id) { id } }", R"(Unknown type "Foo".)"},
    {"ObjectVariableType", "query ($id: Runtime!) { runtime(id: $id) { id } }",
     R"(Variable "$id" cannot be non-input type "Runtime!".)"},
    {"VariableTwice", "query ($id: ID!, $id: ID!) { runtime(id: $id) { id } }",
     R"(There can be only one variable named "$id".)"},
    {"LeafWithSelection", R"({ runtime(id: "1") { labels { a } } })",
     R"(Field "labels" must not have a selection since type "Labels" has no subfields.)"},
    {"ObjectWithoutSelection", R"({ runtime(id: "1") })",
     R"(Field "runtime" of type "Runtime" must have a selection of subfields. Did you mean "runtime { ... }"?)"},
    {"UnionFieldWithoutFragment",
     R"({ application(id: "1") { bundle(id: "2") { defaultInstanceAuth { credential { username } } } } })",
     R"(Cannot query field "username" on type "CredentialData". Did you mean to use an inline fragment on "BasicCredentialData"?)"},
    {"ImpossibleFragment", R"({ runtime(id: "1") { ... on Bundle { id } } })",
     R"(Fragment cannot be spread here as objects of type "Runtime" can never be of type "Bundle".)"},
    {"FragmentOnUnknownType", R"({ runtime(id: "1") { ... on Foo { id } } })", R"(Unknown type "Foo".)"},
    {"FragmentOnScalar", R"({ runtime(id: "1") { ... on Labels { id } } })",
     R"(Fragment cannot condition on non composite type "Labels".)"},
    {"UnknownFragment", R"({ runtime(id: "1") { ...F } })", R"(Unknown fragment "F".)"},
    {"UnusedFragment", R"({ runtime(id: "1") { id } } fragment F on Runtime { id })", R"(Fragment "F" is never used.)"},
    {"CyclicFragment", R"({ runtime(id: "1") { ...F } } fragment F on Runtime { ...F })",
     R"(Cannot spread fragment "F" within itself.)"},
    {"ConflictingAliases", R"({ runtime(id: "1") { a: id a: name } })",
     R"(Fields "a" conflict because id and name are different fields. Use different aliases on the fields to fetch both if this was intentional.)"},
    {"ConflictingArguments", R"({ runtime(id: "1") { id } runtime(id: "2") { id } })",
     R"(Fields "runtime" conflict because they have differing arguments. Use different aliases on the fields to fetch both if this was intentional.)"},
    {"ArgumentTwice", R"({ runtime(id: "1", id: "2") { id } })", R"(There can be only one argument named "id".)"},
    {"OperationTwice", "query A { __typename } query A { __typename }",
     R"(There can be only one operation named "A".)"},
    {"AnonymousBesideNamed", "{ __typename } query A { __typename }",
     "This anonymous operation must be the only defined operation."},
    {"Subscription", "subscription { a }", R"(Schema does not support operation type "subscription")"},
    {"UnknownDirective", R"({ runtime(id: "1") @foo { id } })", R"(Unknown directive "@foo".)"},
    {"Empty", "", "no operation provided"},
    {"EndTooEarly", "{ runtime(id: 1) { id }", "Expected Name, found <EOF>"},
    {"StrayBrace", "{ __typename } }", "Unexpected }"},
    {"EmptySelection", "{ }", "Expected Name, found }"},
    {"UnterminatedString", "{ runtime(id: \"1) { id } }", "Unterminated string."},
    {"BadEscape", R"({ runtime(id: "\q") { id } })", R"(Invalid character escape sequence: \q.)"},
    {"StrayCharacter", "{ runtime(id: 1) ? { id } }", R"(Cannot parse the unexpected character "?".)"},
    {"LeadingZero", "{ runtime(id: 01) { id } }", R"(Invalid number, unexpected digit after 0: "1".)"},
};

INSTANTIATE_TEST_SUITE_P(Table, RefusedDocument, testing::ValuesIn(refusals),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(AcceptedDocument, UsesVariablesWithDefaultsAliasesFragmentsAndDirectives) {
  const char* const document = R"(
    # a comment, commas are white space
    query Q($id: ID!, $first: Int = 100, $after: PageCursor, $deep: Boolean = true) {
      apps: applicationsForRuntime(runtimeID: $id, first: $first, after: $after) {
        __typename
        data { ...App bundles @include(if: $deep) { data { defaultInstanceAuth { credential {
          __typename
          ... on BasicCredentialData { username password }
          ... on OAuthCredentialData { clientId clientSecret url }
        } } } } }
        pageInfo { endCursor hasNextPage }
      }
    }
    fragment App on Application { id, name, ... { description } }
  )";
  const auto errors = errors_of(document, {{"id", "1"}});
  EXPECT_TRUE(errors.empty()) << errors.front().message;
}

TEST(AcceptedDocument, TakesBlockStringsUnicodeEscapesListsAndObjects) {
  const auto errors = errors_of("mutation { setRuntimeLabel(runtimeID: \"\"\"1\"\"\", key: \"\\u00fc\\n\", value: {a: "
                                "[1, -2.5e3, null, X]}) { key } }");
  EXPECT_TRUE(errors.empty()) << errors.front().message;
}

TEST(AcceptedDocument, MayHoldANullableVariableWhereTheArgumentHasADefault) {
  EXPECT_TRUE(errors_of("query ($n: Int) { applicationsForRuntime(runtimeID: 1, first: $n) { totalCount } }").empty());
}

TEST(RefusedVariable, IsMissing) {
  const auto errors = errors_of("query ($id: ID!) { runtime(id: $id) { id } }");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].message, "must be defined");
  EXPECT_EQ(errors[0].path, (nlohmann::json{"variable", "id"}));
}

TEST(RefusedVariable, IsNull) {
  const auto errors = errors_of("query ($id: ID!) { runtime(id: $id) { id } }", {{"id", nullptr}});
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].message, "cannot be null");
}

TEST(RefusedVariable, HasAnotherType) {
  const auto errors =
      errors_of("query ($n: Int!) { applicationsForRuntime(runtimeID: 1, first: $n) { totalCount } }", {{"n", "100"}});
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].message, "cannot use string as Int");
}

TEST(RefusedDocument, SaysWhere) {
  const auto errors = errors_of("{\n  foo\n}");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].to_json()["locations"], (nlohmann::json{{{"line", 2}, {"column", 3}}}));
  EXPECT_EQ(errors[0].extensions["code"], "GRAPHQL_VALIDATION_FAILED");
}

} // namespace
} // namespace runtime_agent::sandbox
